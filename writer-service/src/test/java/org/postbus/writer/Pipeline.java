package org.postbus.writer;

import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.kit.settings.Settings;
import org.postbus.observation.Observation;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;
import org.postbus.writer.ingest.AccountQueues;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.ingest.Quarantine;
import org.postbus.writer.ingest.RecordProcessor;
import org.postbus.writer.publish.ChangePublisher;
import org.postbus.writer.publish.PublicationMetrics;
import org.postbus.writer.publish.RecordProducer;

/** A writer whose records come from memory. It publishes to a real broker. */
public final class Pipeline implements AutoCloseable {
    private static final int PARTITIONS = 8;
    private static final Duration SOON = Duration.ofSeconds(60);

    public final KafkaSettings kafka = loginOfTheWriter();
    public final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    public final PublicationMetrics metrics = new PublicationMetrics(registry);
    private final RecordProducer producer = RecordProducer.to(kafka);
    public final ChangePublisher publisher = new ChangePublisher(TestAccount.TRANSACTIONS, producer, metrics);
    private final BatchMetrics batches = new BatchMetrics(registry);
    public final AccountQueues queues = new AccountQueues(
            new RecordProcessor(
                    TestAccount.APPLIER,
                    publisher,
                    new Quarantine(TestAccount.TRANSACTIONS, producer),
                    batches,
                    Clock.systemUTC()),
            batches);

    @Override
    public void close() {
        queues.close();
        publisher.close();
        producer.close();
    }

    /** Returns when each of the records is applied or quarantined. */
    public void process(List<ConsumerRecord<String, byte[]>> records) {
        queues.add(records).join();
    }

    public static ConsumerRecord<String, byte[]> record(TestAccount account, Observation... observations) {
        return new ConsumerRecord<>(
                Topics.OBSERVATIONS,
                0,
                0,
                account.account.toString(),
                EventCodec.encode(account.nextBatch(List.of(observations))));
    }

    /** Reads until the account has at least {@code wanted} records, and then once more, so that surplus records are found. */
    public List<ConsumerRecord<String, byte[]>> published(String topic, TestAccount account, int wanted) {
        List<ConsumerRecord<String, byte[]>> found = new ArrayList<>();
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                DevStack.kafka(PARTITIONS).connectionOfAdmin(),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (int partition = 0; partition < PARTITIONS; partition++) {
                partitions.add(new TopicPartition(topic, partition));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            await().atMost(SOON).until(() -> {
                read(consumer, account, found);
                return found.size() >= wanted;
            });
            read(consumer, account, found);
        }
        return found;
    }

    private static KafkaSettings loginOfTheWriter() {
        Map<String, String> environment = DevStack.kafka(PARTITIONS).environmentOf(KafkaUser.WRITER);
        return KafkaSettings.of(Settings.of(name -> Optional.ofNullable(environment.get(Settings.variable(name)))));
    }

    private static void read(
            KafkaConsumer<String, byte[]> consumer, TestAccount account, List<ConsumerRecord<String, byte[]>> found) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
            if (account.account.toString().equals(record.key())) {
                found.add(record);
            }
        }
    }
}
