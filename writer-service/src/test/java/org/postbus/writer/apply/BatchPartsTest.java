package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.ARCHIVE;
import static org.postbus.writer.Observations.INBOX;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.SyncScope;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;
import org.postbus.writer.apply.BatchApplier.Outcome;

/** Batches that touch more rows than one transaction may. */
class BatchPartsTest {
    private static final int EMAILS = 60;
    private static final ScopeSynced SYNCED =
            new ScopeSynced(SyncScope.ofMailbox(INBOX), new Cursor.Imap(1, EMAILS + 1, Optional.empty(), 1));

    private final TestAccount alice = TestAccount.create();

    @BeforeEach
    void fill() {
        List<Observation> there = new ArrayList<>(List.of(Observations.mailbox(INBOX), Observations.mailbox(ARCHIVE)));
        for (int uid = 1; uid <= EMAILS; uid++) {
            there.add(Observations.imap(INBOX, uid, "m" + uid + "@x"));
        }
        alice.apply(there);
    }

    @AfterEach
    void the_change_log_folds_to_the_tables_and_the_counts_are_those_of_the_links() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
        assertThat(alice.countsThatDiffer()).isZero();
    }

    /** In each transaction some are unlinked; what comes after them in the batch, the cursor for one, waits for the last of them. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 20, 60, 61})
    void vanished_messages_are_unlinked_some_at_a_time_and_the_cursor_comes_last(int rowsMax) {
        ObservationBatch batch = alice.nextBatch(
                List.of(Observations.state(INBOX, 3, "$seen"), Observations.vanished(INBOX, 1, EMAILS), SYNCED));
        long before = linked();
        int transactions = 0;

        Outcome outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW, rowsMax);
        while (outcome instanceof Outcome.AppliedInPart) {
            transactions++;
            assertThat(before - linked()).as("links of a transaction").isLessThanOrEqualTo(rowsMax);
            if (linked() > 0) {
                assertThat(cursors()).as("cursors").isZero();
            }
            before = linked();
            outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW, rowsMax);
        }

        assertThat(outcome).isInstanceOf(Outcome.Applied.class);
        assertThat(transactions).isGreaterThanOrEqualTo(EMAILS / rowsMax - 1);
        assertThat(linked()).isZero();
        assertThat(cursors()).isEqualTo(1);
        assertThat(TestAccount.APPLIER.apply(batch, TestAccount.NOW, rowsMax)).isEqualTo(new Outcome.Duplicate());
        assertThat(alice.types().stream().filter("email.updated"::equals)).hasSize(1);
    }

    /** What one transaction has applied is not applied again by the next, although the batch is delivered again as a whole. */
    @Test
    void a_batch_that_is_delivered_again_is_continued_where_it_was_left() {
        ObservationBatch batch = alice.nextBatch(List.of(
                Observations.state(INBOX, 1, "first"),
                Observations.state(INBOX, 1, "second"),
                Observations.vanished(INBOX, 2, EMAILS)));
        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 1);
        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 1);
        long changes = alice.lastSeq();

        applyAll(new ObservationBatch(
                batch.tenantId(), batch.accountId(), batch.fence(), batch.seq(), batch.observations()));

        assertThat(alice.types().subList((int) changes, (int) alice.lastSeq()))
                .as("changes of the rest")
                .doesNotContain("email.updated");
        assertThat(linked()).isEqualTo(1);
    }

    @Test
    void a_part_of_an_older_claim_is_forgotten() {
        ObservationBatch batch = alice.nextBatch(
                List.of(Observations.state(INBOX, 1, "first"), Observations.vanished(INBOX, 2, EMAILS), SYNCED));
        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 10);
        alice.claim();

        alice.apply(Observations.state(INBOX, 1, "second"));

        assertThat(alice.contents().get("INBOX")).contains("m1@x [second]");
        assertThat(TestAccount.APPLIER.apply(batch, TestAccount.NOW, 10)).isEqualTo(new Outcome.Stale());
    }

    @Test
    void an_email_that_is_elsewhere_too_stays_there() {
        alice.apply(
                Observations.imap(INBOX, 1, 100, Observations.email("both@x", Optional.of("emailid:both"), List.of())));
        alice.apply(Observations.imap(
                ARCHIVE, 1, 1, Observations.email("both@x", Optional.of("emailid:both"), List.of()), "$seen"));
        ObservationBatch batch = alice.nextBatch(List.of(Observations.vanished(INBOX, 1, 1000)));

        applyAll(batch);

        assertThat(alice.contents().keySet()).containsExactly("Archive");
    }

    @Test
    void a_mailbox_goes_with_its_last_link() {
        ObservationBatch batch = alice.nextBatch(List.of(new MailboxVanished(INBOX)));

        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 10);
        assertThat(alice.types()).doesNotContain("mailbox.destroyed");
        applyAll(batch);

        assertThat(alice.types().stream().filter("mailbox.destroyed"::equals)).hasSize(1);
        assertThat(linked()).isZero();
    }

    /** Its last transaction may find nothing left to do. */
    @ParameterizedTest
    @ValueSource(ints = {7, 30, 60})
    void a_reset_in_several_transactions_is_emitted_once(int rowsMax) {
        ObservationBatch batch = alice.nextBatch(List.of(new MailboxReset(INBOX, 2)));

        applyAll(batch, rowsMax);

        assertThat(alice.types().stream().filter("mailbox.reset"::equals)).hasSize(1);
        assertThat(linked()).isZero();
    }

    @Test
    void a_pass_ends_when_everything_unlinked_is_destroyed() {
        alice.apply(Observations.pass());
        alice.apply(Observations.vanished(INBOX, 1, EMAILS));
        alice.apply(Observations.pass());
        ObservationBatch batch = alice.nextBatch(List.of(Observations.pass()));
        long passes = alice.number("select passes_finished from account_sync where account_id = ?");

        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 10);

        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(EMAILS - 10);
        assertThat(alice.number("select passes_finished from account_sync where account_id = ?"))
                .isEqualTo(passes);

        applyAll(batch);

        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isZero();
        assertThat(alice.number("select passes_finished from account_sync where account_id = ?"))
                .isEqualTo(passes + 1);
        assertThat(alice.number("select destroyed from sync_log where account_id = ? order by entry_id desc limit 1"))
                .isEqualTo(EMAILS);
    }

    @Test
    void destroyed_jmap_emails_are_deleted_some_at_a_time() {
        MailboxKey key = MailboxKey.ofId("m1");
        List<Observation> there = new ArrayList<>();
        IntStream.range(0, 30).forEach(i -> there.add(Observations.jmap("e" + i, Set.of(key))));
        alice.apply(there);
        ObservationBatch batch = alice.nextBatch(List.of(new EmailsDestroyed(
                IntStream.range(0, 30).mapToObj(i -> "e" + i).toList())));

        TestAccount.APPLIER.apply(batch, TestAccount.NOW, 10);
        long left = alice.number("select count(*) from email where account_id = ? and identity like 'jmap:%'");
        applyAll(batch);

        assertThat(left).isEqualTo(20);
        assertThat(alice.number("select count(*) from email where account_id = ? and identity like 'jmap:%'"))
                .isZero();
    }

    private void applyAll(ObservationBatch batch) {
        applyAll(batch, 7);
    }

    private void applyAll(ObservationBatch batch, int rowsMax) {
        Outcome outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW, rowsMax);
        while (outcome instanceof Outcome.AppliedInPart) {
            outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW, rowsMax);
        }
        assertThat(outcome).isInstanceOf(Outcome.Applied.class);
    }

    private long linked() {
        return alice.number("select count(*) from email_mailbox where account_id = ?");
    }

    private long cursors() {
        return alice.number("select count(*) from sync_state where account_id = ?");
    }
}
