package org.postbus.fetcher.source;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.random.RandomGenerator;
import org.postbus.fetcher.publish.BatchSink;
import org.postbus.fetcher.store.ClaimStore;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.model.TenantId;

/**
 * What the loops of all accounts share.
 *
 * @param transactions for reading what the writer has stored
 * @param sink {@code postbus.observations}
 * @param bulkheads memory that all accounts share
 * @param parsing runs the parsing of mail beside the loop that reads it
 * @param outage whether the database or Kafka fails at present
 * @param sessions how long a session with an IMAP server lasts
 * @param loopDied is called when the loop or the watcher of an account died and is started again
 * @param poll the longest time between two passes over an account that no wake-up interrupts
 * @param compareEvery how often a mailbox is compared whole although its server reports what changes
 */
public record FetcherContext(
        EgressConnector egress,
        ImapClient imap,
        ClaimStore claims,
        TenantTransactions transactions,
        BatchSink sink,
        Bulkheads bulkheads,
        ExecutorService parsing,
        HostBudget hosts,
        ServerDeviations deviations,
        InfrastructureOutage outage,
        Sessions sessions,
        Runnable loopDied,
        Duration poll,
        Duration compareEvery,
        Clock clock,
        RandomGenerator random) {

    /**
     * Each is shared by the tenants in turn.
     *
     * @param largeMessages messages of up to 25 MiB that may be in memory at once, where a server does not report their structure
     * @param manyIds accounts that may hold the ids of many emails at once while their server cannot report what changed
     * @param passes of accounts that have been in sync: many, because most of a pass is waiting for a server
     * @param initialPasses of accounts that have never been in sync: few, because they keep the processors busy
     */
    public record Bulkheads(
            FairPermits<TenantId> largeMessages,
            FairPermits<TenantId> manyIds,
            FairPermits<TenantId> passes,
            FairPermits<TenantId> initialPasses) {}
}
