package org.postbus.writer.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.writer.Observations.INBOX;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.topic.Topics;
import org.postbus.writer.Observations;
import org.postbus.writer.Pipeline;
import org.postbus.writer.TestAccount;

/** The change log on a real broker. */
class ChangePublisherTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private final Pipeline pipeline = new Pipeline();
    private final TestAccount alice = TestAccount.create();
    private final TestAccount bob = TestAccount.create();

    @AfterEach
    void close() {
        pipeline.close();
    }

    @Test
    void changes_are_published_in_order_as_cloud_events() {
        pipeline.process(List.of(
                Pipeline.record(alice, Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x")),
                Pipeline.record(bob, Observations.mailbox(INBOX)),
                Pipeline.record(alice, Observations.imap(INBOX, 2, "b@x"), Observations.state(INBOX, 1, "$seen"))));

        List<ConsumerRecord<String, byte[]>> published = pipeline.published(Topics.CHANGES, alice, 4);
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
    void changes_that_a_crash_left_in_the_outbox_are_published_by_the_sweep() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));

        pipeline.publisher.start();

        assertThat(pipeline.published(Topics.CHANGES, alice, 2)).hasSize(2);
    }

    /** Also what was not published before is gone then: nothing but the deletion follows. */
    @Test
    void the_deletion_of_an_account_is_its_last_record_with_the_next_seq() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.delete();

        pipeline.publisher.start();

        List<ConsumerRecord<String, byte[]>> published = pipeline.published(Topics.CHANGES, alice, 1);
        assertThat(published)
                .extracting(record -> EventCodec.decode(record.value(), ChangeEvent.class))
                .containsExactly(new ChangeEvent(
                        alice.tenant, alice.account, 3, new Origin.Server(), new ChangeEvent.AccountDeleted()));
        assertThat(header(published.getFirst(), "ce_type")).isEqualTo("account.deleted");
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(alice.number("select count(*) from account_erasure where account_id = ?"))
                                .isZero());
    }

    /** Some rows are published from memory, others are read from the table. */
    @Test
    void published_records_equal_the_stored_rows_byte_for_byte() {
        for (int i = 0; i < 20; i++) {
            alice.apply(
                    Observations.mailbox(INBOX, Optional.empty(), Optional.empty(), i + 1),
                    Observations.imap(INBOX, 2 * i + 1, "m" + i + "@x"));
            pipeline.process(List.of(Pipeline.record(alice, Observations.imap(INBOX, 2 * i + 2, "n" + i + "@x"))));
        }

        List<String> stored = new ArrayList<>();
        alice.query(
                "select event_id, at, data from change_log where account_id = ? order by seq",
                row -> stored.add(row.getString(1) + " "
                        + row.getObject(2, OffsetDateTime.class).toInstant() + " " + row.getString(3)));
        assertThat(stored).hasSize(60);
        assertThat(pipeline.published(Topics.CHANGES, alice, 60))
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
                    Observations.mailbox(INBOX, Optional.empty(), Optional.empty(), i + 1),
                    Observations.imap(INBOX, 2 * i + 1, "m" + i + "@x"),
                    Observations.imap(INBOX, 2 * i + 2, "n" + i + "@x"));
        }

        try (RecordProducer otherProducer = RecordProducer.to(pipeline.kafka);
                ChangePublisher other =
                        new ChangePublisher(TestAccount.TRANSACTIONS, otherProducer, pipeline.metrics)) {
            Thread one = Thread.ofVirtual().start(() -> pipeline.publisher.publish(alice.tenant, alice.account));
            Thread two = Thread.ofVirtual().start(() -> other.publish(alice.tenant, alice.account));
            one.join();
            two.join();
        }

        assertThat(pipeline.published(Topics.CHANGES, alice, 120))
                .extracting(record ->
                        EventCodec.decode(record.value(), ChangeEvent.class).seq())
                .isSorted()
                .doesNotHaveDuplicates();
    }

    @Test
    void the_producer_waits_for_all_replicas() {
        assertThat(RecordProducer.settings(pipeline.kafka))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true);
    }
}
