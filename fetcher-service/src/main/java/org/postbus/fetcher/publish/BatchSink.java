package org.postbus.fetcher.publish;

import io.smallrye.mutiny.Uni;
import java.util.function.Function;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.model.TenantId;

/**
 * Where the publishers of all accounts send their batches.
 *
 * @param send completes when the broker has stored the batch
 * @param bytesInFlight permits of one byte each, for observations that wait to be sent and batches that the broker has not acknowledged
 * @param initialBatches permits for batches of initial syncs that the writer has not applied: what is ahead of other mail in Kafka
 */
public record BatchSink(
        Function<EncodedBatch, Uni<Void>> send,
        FairPermits<TenantId> bytesInFlight,
        FairPermits<TenantId> initialBatches,
        PublisherMetrics metrics) {}
