package org.postbus.devstack.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.DevStack;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;

class KafkaTest {
    @Test
    void every_topic_exists_and_accounts_are_compacted() throws Exception {
        Kafka kafka = DevStack.kafka(8);
        try (Admin admin = Admin.create(kafka.connectionOfAdmin())) {
            var topics = admin.describeTopics(List.of(
                            Topics.ACCOUNTS,
                            Topics.OBSERVATIONS,
                            Topics.CHANGES,
                            Topics.MUTATIONS,
                            Topics.SYNC_REQUESTS,
                            Topics.DEAD_LETTERS))
                    .allTopicNames()
                    .get();
            assertThat(topics.values())
                    .allSatisfy(topic -> assertThat(topic.partitions()).hasSize(8));
            ConfigResource accounts = new ConfigResource(ConfigResource.Type.TOPIC, Topics.ACCOUNTS);
            assertThat(admin.describeConfigs(List.of(accounts))
                            .all()
                            .get()
                            .get(accounts)
                            .get("cleanup.policy")
                            .value())
                    .isEqualTo("compact");
        }
    }

    @Test
    void a_broker_that_was_killed_is_started_again_with_its_records(@TempDir Path directory) throws Exception {
        Kafka.Settings settings = new Kafka.Settings(
                Optional.of(directory.resolve("kafka")), Optional.empty(), 1, directory.resolve("log"));
        try (Kafka kafka = Kafka.start(settings);
                var producer = new KafkaProducer<String, String>(
                        kafka.connectionOf(KafkaUser.WRITER), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(Topics.CHANGES, "key", "before")).get();
            kafka.process().kill();

            kafka.restart();

            assertThat(producer.send(new ProducerRecord<>(Topics.CHANGES, "key", "after"))
                            .get()
                            .offset())
                    .isEqualTo(1);
        }
    }

    @Test
    void kept_records_survive_a_restart(@TempDir Path directory) {
        Kafka.Settings settings = new Kafka.Settings(
                Optional.of(directory.resolve("kafka")), Optional.empty(), 1, directory.resolve("log"));
        try (Kafka first = Kafka.start(settings);
                var producer = new KafkaProducer<String, String>(
                        first.connectionOf(KafkaUser.WRITER), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(Topics.CHANGES, "key", "kept"));
            producer.flush();
        }
        try (Kafka second = Kafka.start(settings);
                var consumer = new KafkaConsumer<String, String>(
                        second.connectionOf(KafkaUser.SUBSCRIBER),
                        new StringDeserializer(),
                        new StringDeserializer())) {
            TopicPartition only = new TopicPartition(Topics.CHANGES, 0);
            consumer.assign(List.of(only));
            consumer.seekToBeginning(List.of(only));
            assertThat(consumer.poll(Duration.ofSeconds(20)))
                    .singleElement()
                    .satisfies(record -> assertThat(record.value()).isEqualTo("kept"));
        }
    }
}
