package org.postbus.fetcher.source;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.postbus.fetcher.imap.message.LargeMessages;
import org.postbus.fetcher.publish.EncodedBatch;
import org.postbus.fetcher.publish.FetcherMetrics;
import org.postbus.fetcher.store.AccountTables;
import org.postbus.mail.imap.ImapClient;

/**
 * What the loops of all accounts share.
 *
 * @param sink sends a batch to {@code postbus.observations}; completes when the broker has it for good
 * @param bytesInFlight permits of one byte each, for batches that the broker has not acknowledged
 * @param largeMessages how many messages of up to {@link LargeMessages#WHOLE_OCTETS_MAX} may be in memory at once, where
 *     a server does not know their parts
 * @param manyIds how many accounts may hold the ids of many emails at once, that came and went while their server cannot tell how
 * @param parsing runs the parsing of mail, beside the loop that reads it
 * @param compareEvery how often a mailbox whose changes the server tells is compared all the same
 * @param poll how often, at the least, an account is looked at when nothing wakes its loop
 */
public record FetcherContext(
        Vertx vertx,
        ImapClient imap,
        AccountTables tables,
        Function<EncodedBatch, Uni<Void>> sink,
        Semaphore bytesInFlight,
        Semaphore largeMessages,
        Semaphore manyIds,
        ExecutorService parsing,
        HostBudget hosts,
        Duration poll,
        Duration compareEvery,
        FetcherMetrics metrics,
        Clock clock,
        RandomGenerator random) {}
