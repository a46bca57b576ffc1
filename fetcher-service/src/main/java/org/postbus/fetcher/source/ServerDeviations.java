package org.postbus.fetcher.source;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import org.postbus.model.AccountId;

/** What mail servers do that they should not, over all accounts of this process: messages that they do not return, lines that are no response. */
public final class ServerDeviations {
    private final Counter strayLines;
    private final Map<AccountId, Counts> byAccount = new ConcurrentHashMap<>();

    /** Of one account. */
    public record Counts(long deferred, long quarantined) {
        public static final Counts NONE = new Counts(0, 0);
    }

    public ServerDeviations(MeterRegistry registry) {
        gauge(registry, "deferred", Counts::deferred);
        gauge(registry, "quarantined", Counts::quarantined);
        strayLines = Counter.builder("postbus.fetcher.imap.stray.lines")
                .description("Lines from IMAP servers that were no response")
                .register(registry);
    }

    private void gauge(MeterRegistry registry, String state, ToLongFunction<Counts> count) {
        Gauge.builder(
                        "postbus.fetcher.messages.not.read",
                        byAccount,
                        accounts -> accounts.values().stream().mapToLong(count).sum())
                .description("Messages that could not be read and are tried again")
                .tag("state", state)
                .register(registry);
    }

    public void strayLines(long more) {
        strayLines.increment(more);
    }

    /** The messages of an account that could not be read. */
    public void set(AccountId account, Counts counts) {
        if (counts.equals(Counts.NONE)) {
            byAccount.remove(account);
        } else {
            byAccount.put(account, counts);
        }
    }
}
