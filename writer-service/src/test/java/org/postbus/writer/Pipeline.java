package org.postbus.writer;

import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.kit.kafka.KafkaSettings;
import org.postbus.kit.settings.Settings;
import org.postbus.model.AccountId;
import org.postbus.observation.Observation;
import org.postbus.setup.kafka.KafkaUser;
import org.postbus.topic.Topics;
import org.postbus.writer.ingest.AccountQueues;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.ingest.LeftRecords;
import org.postbus.writer.ingest.Quarantine;
import org.postbus.writer.ingest.RecordMemory;
import org.postbus.writer.ingest.RecordProcessor;
import org.postbus.writer.ingest.RecordValue;
import org.postbus.writer.ingest.RecordValueDeserializer;
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
    private final LeftRecords leftRecords = LeftRecords.of(kafka);
    public final RecordMemory memory;
    public final AccountQueues queues;

    public Pipeline() {
        this(RecordMemory.Limits.DEFAULT);
    }

    public Pipeline(RecordMemory.Limits limits) {
        memory = new RecordMemory(limits, leftRecords);
        queues = new AccountQueues(
                new RecordProcessor(
                        TestAccount.APPLIER,
                        publisher,
                        new Quarantine(TestAccount.TRANSACTIONS, producer),
                        batches,
                        Clock.systemUTC()),
                memory,
                batches);
    }

    @Override
    public void close() {
        queues.close();
        leftRecords.close();
        publisher.close();
        producer.close();
    }

    /** Returns when each of the records is applied or quarantined. */
    public void process(List<ConsumerRecord<String, RecordValue>> records) {
        add(records).join();
    }

    /** Completes when each of the records is applied or quarantined. */
    public CompletableFuture<Void> add(List<ConsumerRecord<String, RecordValue>> records) {
        return CompletableFuture.allOf(records.stream()
                .map(record -> queues.add(record).done().toCompletableFuture())
                .toArray(CompletableFuture[]::new));
    }

    public static ConsumerRecord<String, RecordValue> record(TestAccount account, Observation... observations) {
        return record(0, account.account.toString(), EventCodec.encode(account.nextBatch(List.of(observations))));
    }

    /** @param value null: the record has none */
    public static ConsumerRecord<String, RecordValue> record(long offset, String key, byte[] value) {
        return new ConsumerRecord<>(
                Topics.OBSERVATIONS,
                0,
                offset,
                key,
                new RecordValueDeserializer().deserialize(Topics.OBSERVATIONS, value));
    }

    /** The account's next batch as a record that is in Kafka, from where it is read again if it cannot be applied at once. */
    public ConsumerRecord<String, RecordValue> sent(TestAccount account, Observation... observations) {
        byte[] value = EventCodec.encode(account.nextBatch(List.of(observations)));
        return record(send(account.account, 0, List.of(value)), account.account.toString(), value);
    }

    /** Writes records to {@code postbus.observations}. Returns the offset of the first. */
    public long send(AccountId account, int partition, List<byte[]> values) {
        try (KafkaProducer<String, byte[]> toTopic = new KafkaProducer<>(
                DevStack.kafka(PARTITIONS).connectionOfAdmin(), new StringSerializer(), new ByteArraySerializer())) {
            long first = -1;
            for (byte[] value : values) {
                long offset = toTopic.send(
                                new ProducerRecord<>(Topics.OBSERVATIONS, partition, account.toString(), value))
                        .get(60, TimeUnit.SECONDS)
                        .offset();
                first = first < 0 ? offset : first;
            }
            return first;
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    public KafkaConsumer<String, RecordValue> observations() {
        return new KafkaConsumer<>(
                DevStack.kafka(PARTITIONS).connectionOfAdmin(),
                new StringDeserializer(),
                new RecordValueDeserializer());
    }

    /** Reads so many records of a partition of {@code postbus.observations}. */
    public List<ConsumerRecord<String, RecordValue>> read(
            KafkaConsumer<String, RecordValue> consumer, int partition, long first, int count) {
        TopicPartition from = new TopicPartition(Topics.OBSERVATIONS, partition);
        consumer.assign(List.of(from));
        consumer.seek(from, first);
        List<ConsumerRecord<String, RecordValue>> found = new ArrayList<>();
        await().atMost(SOON).until(() -> {
            consumer.poll(Duration.ofMillis(200)).forEach(found::add);
            return found.size() >= count;
        });
        return found.subList(0, count);
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
