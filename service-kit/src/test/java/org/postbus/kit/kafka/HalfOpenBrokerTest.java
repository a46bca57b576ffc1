package org.postbus.kit.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.kafka.Listener;
import org.postbus.devstack.process.FreePort;
import org.postbus.kit.SilentProxy;
import org.postbus.kit.settings.Settings;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

/** The network to the broker falls silent while clients work, and nobody closes a connection. */
class HalfOpenBrokerTest {
    /** Kafka's own limit of 30 s would be above it. */
    private static final Duration BOUND = Duration.ofSeconds(25);

    @Test
    void producers_and_consumers_connect_again_in_bounded_time(@TempDir Path directory) throws Exception {
        int behind = FreePort.find();
        int advertised = FreePort.find();
        Listener listener = new Listener(
                "PROXY",
                "SASL_PLAINTEXT",
                behind,
                advertised,
                Map.of(
                        "sasl.enabled.mechanisms",
                        "SCRAM-SHA-512",
                        "scram-sha-512.sasl.jaas.config",
                        "org.apache.kafka.common.security.scram.ScramLoginModule required;"));
        try (Kafka kafka = Kafka.start(new Kafka.Settings(
                        Optional.of(directory.resolve("kafka")),
                        Optional.empty(),
                        1,
                        directory.resolve("log"),
                        List.of(listener),
                        List.of()));
                SilentProxy proxy = new SilentProxy(advertised, behind);
                var producer = new KafkaProducer<String, byte[]>(
                        settings(kafka, KafkaUser.WRITER, advertised).producer("half-open-producer", Map.of()));
                var consumer = new KafkaConsumer<String, byte[]>(settings(kafka, KafkaUser.SUBSCRIBER, advertised)
                        .consumer(
                                "half-open-consumer",
                                Map.of("group.id", "subscriber-half-open", "auto.offset.reset", "earliest")))) {
            consumer.subscribe(List.of(Topics.CHANGES));
            send(producer, "before").get(30, TimeUnit.SECONDS);
            assertThat(read(consumer, 1)).containsExactly("before");

            long began = System.nanoTime();
            proxy.fallSilent();
            proxy.forwardNewOnes();
            Future<RecordMetadata> during = send(producer, "during");
            List<String> read = new ArrayList<>();
            while (!read.contains("during") && System.nanoTime() - began < BOUND.toNanos()) {
                // A group that was joined again begins anew, as nothing was committed.
                read.addAll(read(consumer, 1));
            }

            during.get(1, TimeUnit.SECONDS);
            assertThat(read).contains("during");
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(BOUND);
        }
    }

    private static Future<RecordMetadata> send(KafkaProducer<String, byte[]> producer, String text) {
        return producer.send(new ProducerRecord<>(Topics.CHANGES, "key", text.getBytes()));
    }

    private static List<String> read(KafkaConsumer<String, byte[]> consumer, int number) {
        List<String> read = new ArrayList<>();
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (read.size() < number && System.nanoTime() < deadline) {
            consumer.poll(Duration.ofMillis(200)).forEach(record -> read.add(new String(record.value())));
        }
        return read;
    }

    private static KafkaSettings settings(Kafka kafka, KafkaUser user, int port) throws Exception {
        Map<String, String> values = new HashMap<>();
        kafka.environmentOf(user).forEach((name, value) -> values.put(property(name), value));
        values.put("postbus.kafka", "127.0.0.1:" + port);
        return KafkaSettings.of(Settings.of(name -> Optional.ofNullable(values.get(name))));
    }

    /** {@code POSTBUS_KAFKA_PASSWORD_FILE} is {@code postbus.kafka.password-file}. */
    private static String property(String variable) {
        String[] words = variable.toLowerCase(Locale.ROOT).split("_", 3);
        return words.length < 3
                ? String.join(".", words)
                : words[0] + "." + words[1] + "." + words[2].replace('_', '-');
    }
}
