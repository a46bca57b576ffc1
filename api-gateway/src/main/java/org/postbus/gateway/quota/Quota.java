package org.postbus.gateway.quota;

import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.postbus.gateway.config.QuotaDefaults;

/** A limit of a tenant, by its name in the API and in the table {@code tenant_quota}. */
public enum Quota {
    ACCOUNTS("accounts", Kind.STOCK, QuotaDefaults::accounts, "delete accounts"),
    REQUESTS_PER_SECOND("requestsPerSecond", Kind.RATE, QuotaDefaults::requestsPerSecond, "send fewer requests"),
    /** Requests that may come at once before the rate counts. */
    REQUESTS_BURST("requestsBurst", Kind.RATE, QuotaDefaults::requestsBurst, "send fewer requests at a time"),
    /** Of logins and discoveries. */
    CHECKS_AT_ONCE("checksAtOnce", Kind.AT_ONCE, QuotaDefaults::checksAtOnce, "wait for the others to end"),
    CHECKS_PER_MINUTE("checksPerMinute", Kind.RATE, QuotaDefaults::checksPerMinute, "try fewer logins"),
    SYNCS_PER_ACCOUNT_AND_MINUTE(
            "syncsPerAccountAndMinute",
            Kind.RATE,
            QuotaDefaults::syncsPerAccountAndMinute,
            "wait: the account is synced by itself"),
    /** Those that are not confirmed and not rejected. */
    QUEUED_MUTATIONS(
            "queuedMutations",
            Kind.STOCK,
            QuotaDefaults::queuedMutations,
            "wait until the mail servers have applied some, or discard those that failed"),
    /** Those whose message is kept: it is not sent, or its copy is not made. */
    QUEUED_SUBMISSIONS(
            "queuedSubmissions",
            Kind.STOCK,
            QuotaDefaults::queuedSubmissions,
            "wait until some are sent, or cancel those that failed"),
    QUEUED_SUBMISSION_BYTES(
            "queuedSubmissionBytes",
            Kind.STOCK,
            QuotaDefaults::queuedSubmissionBytes,
            "wait until some are sent, or cancel those that failed"),
    /** Answers of the last day that are kept for an Idempotency-Key. */
    IDEMPOTENCY_KEYS(
            "idempotencyKeys",
            Kind.STOCK,
            QuotaDefaults::idempotencyKeys,
            "send requests without an Idempotency-Key, or wait: each is kept for a day"),
    DOWNLOADS_AT_ONCE("downloadsAtOnce", Kind.AT_ONCE, QuotaDefaults::downloadsAtOnce, "wait for the others to end"),
    /** Measured in the background: new accounts and submissions are refused, mail of accounts that exist is synced on. */
    STORED_BYTES("storedBytes", Kind.STOCK, QuotaDefaults::storedBytes, "delete accounts");

    /** How a limit counts. */
    public enum Kind {
        /** In the database, over all gateways. Exceeding it is a 403. */
        STOCK,
        /** In time, in each gateway. Exceeding it is a 429. */
        RATE,
        /** At the same time, in each gateway. Exceeding it is a 429. */
        AT_ONCE
    }

    private final String wireName;
    private final Kind kind;
    private final ToLongFunction<QuotaDefaults> preset;
    private final String remedy;

    Quota(String wireName, Kind kind, ToLongFunction<QuotaDefaults> preset, String remedy) {
        this.wireName = wireName;
        this.kind = kind;
        this.preset = preset;
        this.remedy = remedy;
    }

    public static Optional<Quota> find(String wireName) {
        return Stream.of(values())
                .filter(quota -> quota.wireName.equals(wireName))
                .findFirst();
    }

    public String wireName() {
        return wireName;
    }

    public Kind kind() {
        return kind;
    }

    long preset(QuotaDefaults defaults) {
        return preset.applyAsLong(defaults);
    }

    /** What the caller can do. */
    String remedy() {
        return remedy;
    }
}
