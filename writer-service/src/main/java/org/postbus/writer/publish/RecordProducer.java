package org.postbus.writer.publish;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.kafka.KafkaSettings;

/**
 * Sends records and waits until all replicas have acknowledged them. Not a channel of the messaging framework, because that sends a failed
 * record again after later ones, and changes must keep their order.
 *
 * <p>If acknowledgements fail or do not come in time, the Kafka client is discarded together with the records that it still holds, before it
 * could send later records without the failed one. Records may then be sent twice, but never out of order.
 */
public final class RecordProducer implements AutoCloseable {
    /** Less than the 15 s after which PostgreSQL ends an idle transaction: publishing waits inside of one. */
    private static final Duration ACK_MAX = Duration.ofSeconds(10);

    private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

    private final Supplier<Producer<String, byte[]>> clients;
    private Producer<String, byte[]> client;

    RecordProducer(Supplier<Producer<String, byte[]>> clients) {
        this.clients = clients;
    }

    public static RecordProducer to(KafkaSettings kafka) {
        Map<String, Object> settings = settings(kafka);
        return new RecordProducer(() -> new KafkaProducer<>(settings));
    }

    static Map<String, Object> settings(KafkaSettings kafka) {
        return kafka.producer(
                "writer-service",
                Map.of(
                        ProducerConfig.MAX_BLOCK_MS_CONFIG,
                        ACK_MAX.toMillis(),
                        ProducerConfig.BATCH_SIZE_CONFIG,
                        128 * 1024,
                        // Native code; the client's lz4 is written in Java and takes several times as long.
                        ProducerConfig.COMPRESSION_TYPE_CONFIG,
                        "zstd",
                        ProducerConfig.COMPRESSION_ZSTD_LEVEL_CONFIG,
                        1));
    }

    /**
     * Sends records in this order and waits until all are acknowledged.
     *
     * @throws InfrastructureFailureException if one is not; each of them may or may not be on its topic
     */
    public void send(List<ProducerRecord<String, byte[]>> records) {
        Producer<String, byte[]> used = client();
        try {
            List<Future<RecordMetadata>> sent = new ArrayList<>(records.size());
            records.forEach(record -> sent.add(used.send(record)));
            long deadline = System.nanoTime() + ACK_MAX.toNanos();
            for (Future<RecordMetadata> record : sent) {
                record.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (ExecutionException | TimeoutException | KafkaException | IllegalStateException e) {
            discard(used);
            throw new InfrastructureFailureException("Kafka did not acknowledge: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfrastructureFailureException("interrupted while waiting for Kafka", e);
        }
    }

    private synchronized Producer<String, byte[]> client() {
        if (client == null) {
            client = clients.get();
        }
        return client;
    }

    private synchronized void discard(Producer<String, byte[]> failed) {
        if (client == failed) {
            client = null;
        }
        failed.close(Duration.ZERO);
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.close(CLOSE_MAX);
            client = null;
        }
    }
}
