package org.postbus.fetcher;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import org.postbus.mail.imap.connection.ImapOptions;

/** What can be set about this service. Each is also an environment variable: {@code POSTBUS_FETCHER_POLL} and so on. */
@ConfigMapping(prefix = "postbus.fetcher")
interface FetcherConfig {

    /** The Tink keyset that credentials are encrypted with. */
    Path keyset();

    /** How often an account is looked at when nothing wakes its loop. */
    @WithDefault("30s")
    Duration poll();

    /** How often each mailbox is compared whole, though its server tells what changes (RFC 7162). */
    @WithDefault("24h")
    Duration compareEvery();

    /** Logins of this process that are under way at the same time. */
    @WithDefault("20")
    int loginsAtOnce();

    /** Logins a second to one host: of what the provider bears, this fetcher's share. */
    @WithDefault("50")
    int loginsPerHostAndSecond();

    /** Connections to one host, over all accounts: of what the provider bears, this fetcher's share. */
    @WithDefault("20000")
    int connectionsPerHost();

    /** Whether connections that much mail is to come over are compressed: never, where-it-pays or always. */
    @WithDefault("where-it-pays")
    ImapOptions.Compression compression();

    /** Of batches that Kafka has not acknowledged, over all accounts. */
    @WithDefault("67108864")
    int bytesInFlightMax();

    /** Messages of up to 25 MiB that are in memory at the same time. */
    @WithDefault("2")
    int largeMessagesAtOnce();
}
