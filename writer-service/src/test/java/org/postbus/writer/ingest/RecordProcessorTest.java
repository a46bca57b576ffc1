package org.postbus.writer.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.writer.Observations.INBOX;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.observation.ObservationBatch;
import org.postbus.topic.DeadLetter;
import org.postbus.topic.Topics;
import org.postbus.writer.Observations;
import org.postbus.writer.Pipeline;
import org.postbus.writer.TestAccount;

/** Records that can not be applied now, or never. */
class RecordProcessorTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private final Pipeline pipeline = new Pipeline();
    private final TestAccount alice = TestAccount.create();
    private final TestAccount bob = TestAccount.create();

    @AfterEach
    void close() {
        pipeline.close();
    }

    @Test
    void a_poison_message_is_quarantined_and_its_account_claimed_anew_while_other_accounts_continue() {
        byte[] poison = "{\"type\":\"nonsense\"".getBytes(StandardCharsets.UTF_8);
        TestAccount carol = TestAccount.create();
        long offset = 40;
        byte[] forged = EventCodec.encode(
                new ObservationBatch(bob.tenant, carol.account, 1, 1, List.of(Observations.mailbox(INBOX))));

        pipeline.process(List.of(
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset, alice.account.toString(), poison),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 1, "no account", poison),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 2, carol.account.toString(), forged),
                new ConsumerRecord<>(Topics.OBSERVATIONS, 0, offset + 3, alice.account.toString(), null),
                Pipeline.record(bob, Observations.mailbox(INBOX))));

        assertThat(bob.types()).containsExactly("mailbox.created");
        assertThat(alice.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                .isEqualTo(3);
        assertThat(carol.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                .isEqualTo(2);
        assertThat(
                        alice.number(
                                "select count(*) from quarantine where account_id = ? and tenant_id is not null and record_offset in (40, 43)"))
                .isEqualTo(2);
        assertThat(pipeline.published(Topics.DEAD_LETTERS, alice, 2))
                .extracting(record ->
                        EventCodec.decode(record.value(), DeadLetter.class).offset())
                .containsExactly(offset, offset + 3);
        assertThat(pipeline.registry
                        .get("postbus.batches")
                        .tag("outcome", "quarantined")
                        .counter()
                        .count())
                .isEqualTo(4);
    }

    @Test
    void a_batch_is_retried_while_the_database_is_locked_and_nothing_is_quarantined() throws Exception {
        try (var connection = DevStack.postgres().database().connectAsAdmin()) {
            connection.setAutoCommit(false);
            try (var lock = connection.prepareStatement("select 1 from account_sync where account_id = ? for update")) {
                lock.setObject(1, alice.account.value());
                lock.execute();
            }
            // Longer than the role's lock_timeout of 5 s.
            Thread waiting = Thread.ofVirtual()
                    .start(() -> pipeline.process(List.of(Pipeline.record(alice, Observations.mailbox(INBOX)))));
            await().atMost(SOON)
                    .until(() -> pipeline.registry
                                    .get("postbus.batch.retries")
                                    .counter()
                                    .count()
                            > 0);
            connection.rollback();
            waiting.join();
        }

        assertThat(alice.types()).containsExactly("mailbox.created");
        assertThat(alice.number("select count(*) from quarantine where account_id = ?"))
                .isZero();
    }
}
