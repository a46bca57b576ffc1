package org.postbus.gateway.topic;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.gateway.config.GatewayConfig;
import org.postbus.model.AccountId;

/**
 * The process's one Kafka producer. A send is over, one way or the other, within {@link #SEND_MAX}: less than the 15 seconds
 * after which PostgreSQL ends an idle transaction, for one is open while accounts are published.
 */
@ApplicationScoped
public class TopicProducer {
    public static final Duration SEND_MAX = Duration.ofSeconds(12);

    private final KafkaProducer<String, byte[]> producer;

    TopicProducer(GatewayConfig config) {
        this.producer = new KafkaProducer<>(
                Map.ofEntries(
                        Map.entry(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka()),
                        Map.entry(ProducerConfig.CLIENT_ID_CONFIG, "postbus-gateway"),
                        Map.entry(ProducerConfig.ACKS_CONFIG, "all"),
                        Map.entry(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true"),
                        // Somebody waits for each record; there are few of them.
                        Map.entry(ProducerConfig.LINGER_MS_CONFIG, "0"),
                        Map.entry(ProducerConfig.MAX_BLOCK_MS_CONFIG, "4000"),
                        Map.entry(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, "4000"),
                        Map.entry(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, "8000")),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    /**
     * Blocks for up to 4 s while the broker is not known: never call it on an event loop.
     *
     * @param value null for a tombstone
     */
    public CompletableFuture<Void> send(String topic, AccountId account, byte[] value) {
        CompletableFuture<Void> sent = new CompletableFuture<>();
        producer.send(new ProducerRecord<>(topic, account.toString(), value), (metadata, failure) -> {
            if (failure == null) {
                sent.complete(null);
            } else {
                sent.completeExceptionally(failure);
            }
        });
        return sent;
    }

    @PreDestroy
    void close() {
        producer.close(Duration.ofSeconds(5));
    }
}
