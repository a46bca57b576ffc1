package org.postbus.fetcher.publish;

import io.smallrye.mutiny.Uni;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Where the publishers of all accounts send their batches.
 *
 * @param send completes when the broker has stored the batch
 * @param bytesInFlight permits of one byte each, for observations that wait to be sent and batches that the broker has not acknowledged
 */
public record BatchSink(Function<EncodedBatch, Uni<Void>> send, Semaphore bytesInFlight, PublisherMetrics metrics) {}
