package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.codec.EventCodec;
import org.postbus.model.MutationId;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.ingest.ObservationDecoder;

class PassCompletionTest {
    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void an_email_is_destroyed_only_after_a_whole_pass_without_it() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"), Observations.pass());

        alice.apply(Observations.vanished(INBOX, 1, 1));
        alice.apply(Observations.pass());
        List<String> afterFirst = alice.types();
        alice.apply(Observations.pass());

        assertThat(afterFirst).doesNotContain("email.destroyed");
        assertThat(alice.types()).endsWith("email.destroyed");
        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isZero();
        assertThat(alice.number("select count(*) from email_body where account_id = ?"))
                .isZero();
    }

    @Test
    void nothing_is_destroyed_during_the_initial_sync() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.apply(Observations.vanished(INBOX, 1, 1));
        PassFinished unfinished = new PassFinished(TestAccount.NOW, TestAccount.NOW, false, Optional.empty());

        alice.apply(unfinished);
        alice.apply(unfinished);
        alice.apply(unfinished);

        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void a_complete_pass_is_logged_confirms_and_emits_account_synced_once() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.appliedMutation(alice.emailIdOf("a@x"), 0);

        alice.apply(Observations.state(INBOX, 1, "$seen"), Observations.pass(1));
        alice.apply(Observations.pass(2));

        assertThat(alice.text("select state from pending_changes where account_id = ?"))
                .isEqualTo("confirmed");
        assertThat(alice.types())
                .containsExactly(
                        "mailbox.created",
                        "email.created",
                        "email.updated",
                        "mutation.confirmed",
                        "account.synced",
                        "account.state");
        assertThat(
                        alice.text(
                                "select string_agg(created || '/' || updated || '/' || destroyed, ' ' order by entry_id) from sync_log where account_id = ?"))
                .isEqualTo("1/1/0 0/0/0");
        assertThat(alice.text("select state from account_sync where account_id = ?"))
                .isEqualTo("idle");
    }

    @Test
    void a_pass_without_a_number_confirms_nothing() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.appliedMutation(alice.emailIdOf("a@x"), 0);

        alice.apply(Observations.pass());

        assertThat(confirmed()).isEmpty();
    }

    @Test
    void only_a_pass_with_a_greater_number_than_the_stamp_confirms() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        MutationId mutation = alice.appliedMutation(alice.emailIdOf("a@x"), 7);

        alice.apply(Observations.pass(6), Observations.pass(7));
        String afterSmallerAndEqual = alice.text("select state from pending_changes where account_id = ?");
        alice.apply(Observations.pass(8));
        alice.apply(Observations.pass(9));

        assertThat(afterSmallerAndEqual).isEqualTo("applied");
        assertThat(alice.text("select state from pending_changes where account_id = ?"))
                .isEqualTo("confirmed");
        assertThat(confirmed()).containsExactly(mutation);
    }

    /** It was refused because the stored state differed from the server's. */
    @Test
    void only_a_pass_with_a_greater_number_than_the_stamp_makes_an_outdated_mutation_due() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.appliedMutation(alice.emailIdOf("a@x"), 0);
        alice.update(
                "update pending_changes set state = 'queued', applied_pass = null, after_pass = 7, next_try_at = 'infinity'"
                        + " where account_id = ?",
                alice.account.value());
        String waiting =
                "select coalesce(after_pass::text, 'due ' || (next_try_at <= now())) from pending_changes where account_id = ?";

        alice.apply(Observations.pass(6), Observations.pass(7), Observations.pass());
        String afterSmallerAndEqual = alice.text(waiting);
        alice.apply(Observations.pass(8));

        assertThat(afterSmallerAndEqual).isEqualTo("7");
        assertThat(alice.text(waiting)).isEqualTo("due true");
        assertThat(alice.text("select state from pending_changes where account_id = ?"))
                .isEqualTo("queued");
    }

    @Test
    void a_mutation_that_was_applied_before_any_pass_is_confirmed_by_the_first() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        MutationId mutation = alice.appliedMutation(alice.emailIdOf("a@x"), 0);

        alice.apply(Observations.pass(1));

        assertThat(confirmed()).containsExactly(mutation);
    }

    @Test
    void only_applied_mutations_of_the_account_are_confirmed() {
        TestAccount bob = TestAccount.create();
        for (TestAccount account : List.of(alice, bob)) {
            account.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
            for (String state : List.of("queued", "sending", "applied", "rejected", "failed", "in-doubt")) {
                account.mutation(account.emailIdOf("a@x"), state, "update", "{}");
            }
            account.update("update pending_changes set applied_pass = 1 where account_id = ?", account.account.value());
        }

        alice.apply(Observations.pass(2));

        String states = "select string_agg(state, ' ' order by mutation_id) from pending_changes where account_id = ?";
        assertThat(alice.text(states)).isEqualTo("queued sending confirmed rejected failed in-doubt");
        assertThat(bob.text(states)).isEqualTo("queued sending applied rejected failed in-doubt");
    }

    @Test
    void a_pass_confirms_during_the_initial_sync_too() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.appliedMutation(alice.emailIdOf("a@x"), 7);

        alice.apply(new PassFinished(TestAccount.NOW, TestAccount.NOW, false, Optional.of(8L)));

        assertThat(alice.text("select state from pending_changes where account_id = ?"))
                .isEqualTo("confirmed");
    }

    /** Written by the version before pass numbers. */
    @Test
    void a_pass_without_a_number_confirms_nothing_by_number() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.appliedMutation(alice.emailIdOf("a@x"), 0);
        String json = new String(
                        EventCodec.encode(alice.nextBatch(List.of(Observations.pass(8)))), StandardCharsets.UTF_8)
                .replace(",\"pass\":8", "");

        Outcome outcome = TestAccount.APPLIER.apply(
                ObservationDecoder.decode(json.getBytes(StandardCharsets.UTF_8)), TestAccount.NOW);

        assertThat(json).doesNotContain("\"pass\":");
        assertThat(outcome).isInstanceOf(Outcome.Applied.class);
        assertThat(confirmed()).isEmpty();
        assertThat(alice.text("select state from pending_changes where account_id = ?"))
                .isEqualTo("applied");
    }

    @Test
    void one_pass_confirms_20_000_mutations_in_order_with_one_change_each() {
        int mutations = 20_000;
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        long before = alice.lastSeq();
        alice.update(
                "insert into pending_changes (account_id, tenant_id, mutation_id, email_id, kind, state, applied_pass)"
                        + " select ?, ?, uuidv7(), ?, 'update', 'applied', i / 7000 from generate_series(1, ?) i",
                alice.account.value(),
                alice.tenant.value(),
                UUID.fromString(alice.emailIdOf("a@x")),
                mutations);

        alice.apply(Observations.pass(9));

        assertThat(alice.number("select count(*) from pending_changes where account_id = ? and state = 'confirmed'"))
                .isEqualTo(mutations);
        List<UUID> inOrder = new ArrayList<>();
        alice.query(
                "select mutation_id from pending_changes where account_id = ? order by mutation_id",
                row -> inOrder.add(row.getObject(1, UUID.class)));
        List<ChangeEvent> changes = alice.changesAfter(before).stream()
                .filter(change -> change.change() instanceof MutationConfirmed)
                .toList();
        assertThat(changes)
                .extracting(change ->
                        ((MutationConfirmed) change.change()).mutationId().value())
                .isEqualTo(inOrder);
        assertThat(changes).extracting(ChangeEvent::seq).isEqualTo(sequence(before + 1, mutations));
    }

    private static List<Long> sequence(long first, int length) {
        return LongStream.range(first, first + length).boxed().toList();
    }

    private List<MutationId> confirmed() {
        return alice.changes().stream()
                .map(ChangeEvent::change)
                .filter(MutationConfirmed.class::isInstance)
                .map(change -> ((MutationConfirmed) change).mutationId())
                .toList();
    }
}
