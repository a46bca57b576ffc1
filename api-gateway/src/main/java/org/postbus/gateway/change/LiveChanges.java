package org.postbus.gateway.change;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.Topics;

/**
 * Reads all partitions of {@code postbus.changes} from their ends and passes each change to the streams of this process. The consumer has no
 * group and commits nothing, because every gateway needs every change. Changes that it misses while Kafka is unavailable are found in the
 * change log by the streams.
 */
@ApplicationScoped
public class LiveChanges {
    private static final Logger LOG = Logger.getLogger(LiveChanges.class);
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration ANSWER_TIME_MAX = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final OpenStreams streams;
    private final Map<String, Object> settings;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile KafkaConsumer<String, byte[]> current;

    LiveChanges(OpenStreams streams, KafkaSettings kafka) {
        this.streams = streams;
        this.settings = kafka.consumer(
                "postbus-gateway-live",
                Map.of(
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                        "latest",
                        ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                        1_000));
    }

    void start(@Observes StartupEvent event) {
        // A platform thread, because the client's poll would pin a virtual one.
        Thread.ofPlatform().name("live-changes").daemon().start(this::run);
    }

    void stop(@Observes ShutdownEvent event) {
        stopped.countDown();
        KafkaConsumer<String, byte[]> consumer = current;
        if (consumer != null) {
            consumer.wakeup();
        }
    }

    private void run() {
        while (stopped.getCount() > 0) {
            try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(settings)) {
                current = consumer;
                seekToEnd(consumer);
                // From this position on nothing is missed; earlier changes are in the change log.
                streams.readLog();
                while (stopped.getCount() > 0) {
                    consumer.poll(POLL).forEach(this::deliver);
                }
            } catch (WakeupException e) {
                LOG.debug("live changes end because the process stops");
            } catch (KafkaException e) {
                LOG.warnf("live changes are interrupted: %s", e.getMessage());
                pause();
            }
        }
    }

    private static void seekToEnd(KafkaConsumer<String, byte[]> consumer) {
        List<TopicPartition> partitions = consumer.partitionsFor(Topics.CHANGES, ANSWER_TIME_MAX).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new KafkaException("there is no topic " + Topics.CHANGES);
        }
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(partition -> consumer.position(partition, ANSWER_TIME_MAX));
    }

    private void pause() {
        try {
            stopped.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped.countDown();
        }
    }

    private void deliver(ConsumerRecord<String, byte[]> record) {
        if (streams.isEmpty()) {
            return;
        }
        try {
            Optional<Start> start = record.value() == null ? Optional.empty() : startOf(record.value());
            Header type = record.headers().lastHeader("ce_type");
            if (start.isEmpty() || type == null || record.key() == null) {
                LOG.warnf("not a change: %s-%d at %d", record.topic(), record.partition(), record.offset());
                return;
            }
            streams.deliver(
                    start.get().tenant(),
                    new LoggedChange(
                            AccountId.of(record.key()),
                            start.get().seq(),
                            new String(type.value(), StandardCharsets.UTF_8),
                            record.value()));
        } catch (IOException | IllegalArgumentException e) {
            LOG.warnf("not a change: %s-%d at %d", record.topic(), record.partition(), record.offset());
        }
    }

    private record Start(TenantId tenant, long seq) {}

    /** Reads only the first properties: most changes belong to tenants without a stream here. */
    private static Optional<Start> startOf(byte[] data) throws IOException {
        String tenant = null;
        Long seq = null;
        try (JsonParser json = EventCodec.mapper().createParser(data)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return Optional.empty();
            }
            while ((tenant == null || seq == null) && json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "tenantId" -> tenant = json.getText();
                    case "seq" -> seq = json.getLongValue();
                    default -> json.skipChildren();
                }
            }
        }
        return tenant == null || seq == null ? Optional.empty() : Optional.of(new Start(TenantId.of(tenant), seq));
    }
}
