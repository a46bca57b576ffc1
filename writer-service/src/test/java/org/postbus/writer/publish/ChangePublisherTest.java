package org.postbus.writer.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.writer.Observations.INBOX;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.observation.Observation;
import org.postbus.topic.DeadLetter;
import org.postbus.topic.Topics;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;
import org.postbus.writer.ingest.BatchMetrics;
import org.postbus.writer.ingest.Quarantine;
import org.postbus.writer.ingest.RecordProcessor;

/** Records in, rows and records out, on a real broker. */
class ChangePublisherTest {
    private static final int PARTITIONS = 8;
    private static final Duration SOON = Duration.ofSeconds(60);

    private final String bootstrap = DevStack.kafka(PARTITIONS).bootstrap();
    private final RecordProducer producer = RecordProducer.to(bootstrap);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final PublicationMetrics metrics = new PublicationMetrics(registry);
    private final ChangePublisher publisher = new ChangePublisher(TestAccount.TRANSACTIONS, producer, metrics);
    private final RecordProcessor records = new RecordProcessor(
            TestAccount.APPLIER, publisher, new Quarantine(TestAccount.TRANSACTIONS, producer), new BatchMetrics(registry), Clock.systemUTC());
    private final TestAccount alice = TestAccount.create();
    private final TestAccount bob = TestAccount.create();

    @AfterEach
    void close() {
        records.close();
        publisher.close();
        producer.close();
    }

    @Test
    void changes_are_published_in_order_as_cloud_events() {
        records.process(List.of(
                record(alice, Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x")),
                record(bob, Observations.mailbox(INBOX)),
                record(alice, Observations.imap(INBOX, 2, "b@x"), Observations.state(INBOX, 1, "$seen"))));

        List<ConsumerRecord<String, byte[]>> published = published(Topics.CHANGES, alice, 4);
        assertThat(published)
                .extracting(record -> EventCodec.decode(record.value(), ChangeEvent.class))
                .isEqualTo(alice.changes());
        ConsumerRecord<String, byte[]> email = published.get(1);
        assertThat(email.headers())
                .extracting(header -> header.key() + "=" + new String(header.value(), StandardCharsets.UTF_8))
                .contains(
                        "ce_specversion=1.0",
                        "ce_type=email.created",
                        "ce_source=/postbus/accounts/" + alice.account,
                        "ce_subject=" + alice.emailIdOf("a@x"),
                        "content-type=application/json")
                .anyMatch(header -> header.startsWith("ce_id="))
                .anyMatch(header -> header.startsWith("ce_time="));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(alice.number("select count(*) from change_outbox where account_id = ?"))
                        .isZero());
    }

    @Test
    void what_a_crash_left_over_is_published_by_the_sweep() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));

        publisher.start();

        assertThat(published(Topics.CHANGES, alice, 2)).hasSize(2);
    }

    /** Some are still in this process's memory when they are published, of others only the row is there. */
    @Test
    void what_is_published_is_what_is_stored_to_the_byte() {
        for (int i = 0; i < 20; i++) {
            alice.apply(
                    Observations.mailbox(INBOX, java.util.Optional.empty(), java.util.Optional.empty(), i + 1),
                    Observations.imap(INBOX, 2 * i + 1, "m" + i + "@x"));
            records.process(List.of(record(alice, Observations.imap(INBOX, 2 * i + 2, "n" + i + "@x"))));
        }

        List<String> stored = new java.util.ArrayList<>();
        alice.query(
                "select event_id, at, data from change_log where account_id = ? order by seq",
                row -> stored.add(row.getString(1) + " "
                        + row.getObject(2, java.time.OffsetDateTime.class).toInstant() + " " + row.getString(3)));
        assertThat(stored).hasSize(60);
        assertThat(published(Topics.CHANGES, alice, 60))
                .extracting(record -> header(record, "ce_id") + " " + header(record, "ce_time") + " "
                        + new String(record.value(), StandardCharsets.UTF_8))
                .isEqualTo(stored);
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    @Test
    void two_publishers_of_one_account_keep_the_order() throws Exception {
        for (int i = 0; i < 40; i++) {
            alice.apply(
                    Observations.mailbox(INBOX, java.util.Optional.empty(), java.util.Optional.empty(), i + 1),
                    Observations.imap(INBOX, 2 * i + 1, "m" + i + "@x"),
                    Observations.imap(INBOX, 2 * i + 2, "n" + i + "@x"));
        }

        try (RecordProducer otherProducer = RecordProducer.to(bootstrap);
                ChangePublisher other = new ChangePublisher(TestAccount.TRANSACTIONS, otherProducer, metrics)) {
            Thread one = Thread.ofVirtual().start(() -> publisher.publish(alice.tenant, alice.account));
            Thread two = Thread.ofVirtual().start(() -> other.publish(alice.tenant, alice.account));
            one.join();
            two.join();
        }

        assertThat(published(Topics.CHANGES, alice, 120))
                .extracting(record ->
                        EventCodec.decode(record.value(), ChangeEvent.class).seq())
                .isSorted()
                .doesNotHaveDuplicates();
    }

    @Test
    void a_poison_record_is_kept_and_its_account_claimed_anew_while_the_others_go_on() {
        byte[] poison = "{\"type\":\"nonsense\"".getBytes(StandardCharsets.UTF_8);
        TestAccount carol = TestAccount.create();
        long offset = 40;
        byte[] forged = EventCodec.encode(
                new org.postbus.observation.ObservationBatch(bob.tenant, carol.account, 1, 1, List.of(Observations.mailbox(INBOX))));

        records.process(List.of(
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset, alice.account.toString(), poison),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 1, "no account", poison),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 2, carol.account.toString(), forged),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 3, alice.account.toString(), null),
                record(bob, Observations.mailbox(INBOX))));

        assertThat(bob.types()).containsExactly("mailbox.created");
        assertThat(alice.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                .isEqualTo(3);
        assertThat(carol.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                .isEqualTo(2);
        assertThat(
                        alice.number(
                                "select count(*) from quarantine where account_id = ? and tenant_id is not null and record_offset in (40, 43)"))
                .isEqualTo(2);
        assertThat(published(Topics.DEAD_LETTERS, alice, 2))
                .extracting(record ->
                        EventCodec.decode(record.value(), DeadLetter.class).offset())
                .containsExactly(offset, offset + 3);
        assertThat(registry.get("postbus.batches")
                        .tag("outcome", "quarantined")
                        .counter()
                        .count())
                .isEqualTo(4);
    }

    @Test
    void while_the_database_is_locked_a_batch_waits_and_nothing_goes_to_quarantine() throws Exception {
        try (var connection = DevStack.postgres().database().connectAsAdmin()) {
            connection.setAutoCommit(false);
            try (var lock = connection.prepareStatement("select 1 from account_sync where account_id = ? for update")) {
                lock.setObject(1, alice.account.value());
                lock.execute();
            }
            // Longer than the role's lock_timeout of 5 s.
            Thread waiting = Thread.ofVirtual().start(() -> records.process(List.of(record(alice, Observations.mailbox(INBOX)))));
            await().atMost(SOON)
                    .until(() -> registry.get("postbus.batch.retries").counter().count() > 0);
            connection.rollback();
            waiting.join();
        }

        assertThat(alice.types()).containsExactly("mailbox.created");
        assertThat(alice.number("select count(*) from quarantine where account_id = ?"))
                .isZero();
    }

    @Test
    void the_producer_asks_for_every_acknowledgement() {
        assertThat(RecordProducer.settings(bootstrap))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true);
    }

    private ConsumerRecord<String, byte[]> record(TestAccount account, Observation... observations) {
        return new ConsumerRecord<>(
                Topics.OBSERVATIONS,
                0,
                0,
                account.account.toString(),
                EventCodec.encode(account.nextBatch(List.of(observations))));
    }

    /** Reads until there are as many records of the account as are wanted, and then whether there are more. */
    private List<ConsumerRecord<String, byte[]>> published(String topic, TestAccount account, int wanted) {
        List<ConsumerRecord<String, byte[]>> found = new ArrayList<>();
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                Map.of(
                        "bootstrap.servers",
                        bootstrap,
                        "group.id",
                        UUID.randomUUID().toString(),
                        "auto.offset.reset",
                        "earliest"),
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

    private static void read(
            KafkaConsumer<String, byte[]> consumer, TestAccount account, List<ConsumerRecord<String, byte[]>> found) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
            if (account.account.toString().equals(record.key())) {
                found.add(record);
            }
        }
    }
}
