package org.postbus.writer.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.postbus.writer.Observations.INBOX;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.observation.Cursor;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ObservedEmail;
import org.postbus.observation.SyncScope;
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
                Pipeline.record(offset, alice.account.toString(), poison),
                Pipeline.record(offset + 1, "no account", poison),
                Pipeline.record(offset + 2, carol.account.toString(), forged),
                Pipeline.record(offset + 3, alice.account.toString(), null),
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
            // Longer than a statement waits for a lock. Then the record is read from Kafka again.
            var record = pipeline.sent(alice, Observations.mailbox(INBOX));
            Thread waiting = Thread.ofVirtual().start(() -> pipeline.process(List.of(record)));
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

    /** Its identity does not fit into an index of PostgreSQL. */
    @Test
    void an_email_that_can_not_be_stored_is_quarantined_alone() {
        SyncScope scope = SyncScope.ofMailbox(INBOX);
        List<Observation> observations = new ArrayList<>(List.of(Observations.mailbox(INBOX)));
        for (int uid = 1; uid <= 40; uid++) {
            observations.add(
                    uid == 17 || uid == 30
                            ? Observations.imap(INBOX, 1, uid, unstorable("m" + uid + "@x"))
                            : Observations.imap(INBOX, uid, "m" + uid + "@x"));
        }
        observations.add(new ScopeSynced(scope, new Cursor.Imap(1, 41, Optional.empty(), 1)));
        observations.add(Observations.pass(1));

        pipeline.process(List.of(
                Pipeline.record(alice, observations.toArray(Observation[]::new)),
                Pipeline.record(bob, Observations.mailbox(INBOX))));

        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(38);
        assertThat(alice.number("select sum(uid) from quarantined_message where account_id = ? and uidvalidity = 1"))
                .isEqualTo(17 + 30);
        assertThat(alice.text("select min(reason) from quarantined_message where account_id = ?"))
                .contains("the message cannot be stored");
        assertThat(alice.number("select count(*) from quarantine where account_id = ? and octet_length(value) > 5000"))
                .isEqualTo(2);
        assertThat(alice.number("select count(*) from sync_state where account_id = ?"))
                .isEqualTo(1);
        assertThat(alice.number("select passes_finished from account_sync where account_id = ?"))
                .isEqualTo(1);
        // The fetcher claims anew and learns of the quarantine; it need not read everything again.
        assertThat(alice.number("select fence from account_sync where account_id = ? and not full_pass_wanted"))
                .isEqualTo(2);
        assertThat(alice.folded()).isEqualTo(alice.stored());
        assertThat(alice.countsThatDiffer()).isZero();
        assertThat(pipeline.registry
                        .get("postbus.observations.refused")
                        .counter()
                        .count())
                .isEqualTo(2);
        assertThat(bob.types()).containsExactly("mailbox.created");
    }

    /** A later version of the fetcher knows it. */
    @Test
    void an_observation_that_can_not_be_decoded_is_left_out() {
        String batch = new String(
                EventCodec.encode(alice.nextBatch(List.of(
                        Observations.mailbox(INBOX),
                        Observations.imap(INBOX, 1, "a@x"),
                        Observations.imap(INBOX, 2, "b@x")))),
                StandardCharsets.UTF_8);
        int second = batch.indexOf("{\"type\":\"email-observed\"");
        byte[] value = (batch.substring(0, second) + "{\"type\":\"of-tomorrow\"}," + batch.substring(second))
                .getBytes(StandardCharsets.UTF_8);

        pipeline.process(List.of(Pipeline.record(7, alice.account.toString(), value)));

        assertThat(alice.types()).containsExactly("mailbox.created", "email.created", "email.created");
        assertThat(alice.text("select convert_from(value, 'UTF8') from quarantine where account_id = ?"))
                .isEqualTo("{\"type\":\"of-tomorrow\"}");
        assertThat(alice.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                .isEqualTo(2);
    }

    private static ObservedEmail unstorable(String messageId) {
        StringBuilder identity = new StringBuilder("emailid:");
        new Random(1).ints(20_000, 'A', 'z').forEach(c -> identity.append((char) c));
        return Observations.email(messageId, Optional.of(identity.toString()), List.of());
    }

    /** The account's fetcher reads the same mail again and again: it is slowed down, and others are not. */
    @Test
    void an_account_whose_records_are_all_poison_is_claimed_anew_later_and_later() {
        byte[] poison = "{".getBytes(StandardCharsets.UTF_8);
        long began = System.nanoTime();
        for (int i = 0; i < 5; i++) {
            pipeline.process(List.of(Pipeline.record(i, alice.account.toString(), poison)));
            if (i == 2) {
                assertThat(alice.number("select fence from account_sync where account_id = ? and full_pass_wanted"))
                        .isEqualTo(4);
                alice.update(
                        "update account_sync set full_pass_wanted = false where account_id = ?", alice.account.value());
            }
        }

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(3));
        assertThat(alice.number("select fence from account_sync where account_id = ? and not full_pass_wanted"))
                .isEqualTo(6);
    }
}
