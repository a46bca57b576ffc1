package org.postbus.fetcher;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.OptionalInt;
import org.postbus.mail.imap.connection.ImapOptions;

/** The settings of this service. Each is also an environment variable: {@code POSTBUS_FETCHER_POLL} and so on. */
@ConfigMapping(prefix = "postbus.fetcher")
interface FetcherConfig {

    /** How often an account is polled when nothing wakes its loop. With NOTIFY ten times as long, up to 5 minutes. */
    @WithDefault("30s")
    Duration poll();

    /** How often each mailbox (IMAP) or account (JMAP) is compared whole although its server reports changes. */
    @WithDefault("24h")
    Duration compareEvery();

    /** An IMAP session is replaced at this age at the latest: 1 minute to 24 hours. */
    @WithDefault("1h")
    Duration sessionMax();

    /** Logins of this process in progress at the same time. */
    @WithDefault("20")
    int loginsAtOnce();

    /** Logins per second to one host: this fetcher's share of what the provider allows. */
    @WithDefault("50")
    int loginsPerHostAndSecond();

    /** Connections to one host, of all accounts: this fetcher's share of what the provider allows. At least 4: a quarter is reserved for passes. */
    @WithDefault("20000")
    int connectionsPerHost();

    /** Whether connections that read much mail are compressed (COMPRESS=DEFLATE): never, where-it-pays (TLS to another machine) or always. */
    @WithDefault("where-it-pays")
    ImapOptions.Compression compression();

    /** Bytes of observations that Kafka has not acknowledged, of all accounts. Unset: 64 MiB, at most an eighth of the heap. */
    OptionalInt bytesInFlightMax();

    /** Messages of up to 25 MiB in memory at the same time. */
    @WithDefault("2")
    int largeMessagesAtOnce();
}
