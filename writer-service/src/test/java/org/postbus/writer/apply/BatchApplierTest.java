package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.writer.Observations.ARCHIVE;
import static org.postbus.writer.Observations.INBOX;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.SyncState;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.AccountStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.SyncScope;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;
import org.postbus.writer.apply.BatchApplier.Outcome;
import org.postbus.writer.ingest.ObservationDecoder;

class BatchApplierTest {
    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void an_old_fence_changes_nothing() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.claim();
        long before = alice.lastSeq();

        Outcome outcome = TestAccount.APPLIER.apply(alice.batch(1, 2, Observations.imap(INBOX, 2, "b@x")), TestAccount.NOW);

        assertThat(outcome).isEqualTo(new Outcome.Stale());
        assertThat(alice.lastSeq()).isEqualTo(before);
        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("a@x []")));
    }

    @Test
    void an_applied_batch_is_applied_once() {
        ObservationBatch batch = alice.batch(1, 1, Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        TestAccount.APPLIER.apply(batch, TestAccount.NOW);

        Outcome outcome = TestAccount.APPLIER.apply(batch, TestAccount.NOW);

        assertThat(outcome).isEqualTo(new Outcome.Duplicate());
        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void a_gap_takes_the_claim_away_and_applies_nothing() {
        Outcome gap = TestAccount.APPLIER.apply(alice.batch(1, 2, Observations.mailbox(INBOX)), TestAccount.NOW);
        Outcome late = TestAccount.APPLIER.apply(alice.batch(1, 1, Observations.mailbox(INBOX)), TestAccount.NOW);

        assertThat(gap).isEqualTo(new Outcome.Gap());
        assertThat(late).isEqualTo(new Outcome.Stale());
        assertThat(alice.number("select fence from account_sync where account_id = ?"))
                .isEqualTo(2);
        assertThat(alice.changes()).isEmpty();
    }

    @Test
    void seeing_the_same_again_tells_nothing() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x", "$seen"), Observations.imap(INBOX, 2, "b@x"));
        alice.claim();

        long changes = alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, "a@x", "$seen"),
                Observations.imap(INBOX, 2, "b@x"),
                Observations.state(INBOX, 1, "$seen"));

        assertThat(changes).isZero();
    }

    @Test
    void the_same_email_twice_in_a_batch_is_one_email() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"), Observations.imap(INBOX, 1, "a@x"), Observations.mailbox(INBOX));

        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void a_state_changes_keywords_and_of_an_unknown_email_nothing() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x", "$seen"));

        long changes = alice.apply(Observations.state(INBOX, 1, "$flagged"), Observations.state(INBOX, 99, "$flagged"));

        assertThat(changes).isEqualTo(1);
        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("a@x [$flagged]")));
    }

    @Test
    void a_move_is_one_update_of_the_same_email() {
        alice.apply(Observations.mailbox(INBOX), Observations.mailbox(ARCHIVE), Observations.imap(INBOX, 1, "a@x"));
        String id = alice.emailIdOf("a@x");
        long before = alice.lastSeq();

        alice.apply(Observations.vanished(INBOX, 1, 0xFFFF_FFFFL));
        alice.apply(Observations.imap(ARCHIVE, 7, "a@x"));
        alice.apply(Observations.pass());
        alice.apply(Observations.pass());
        alice.apply(Observations.pass());

        assertThat(alice.emailIdOf("a@x")).isEqualTo(id);
        assertThat(alice.changesAfter(before))
                .filteredOn(change -> change.change() instanceof EmailUpdated)
                .hasSize(1);
        assertThat(alice.types()).doesNotContain("email.destroyed");
        assertThat(alice.contents()).isEqualTo(Map.of("Archive", List.of("a@x []")));
    }

    @Test
    void two_that_look_the_same_are_found_again_one_to_one() {
        alice.apply(Observations.mailbox(INBOX), Observations.mailbox(ARCHIVE), Observations.imap(INBOX, 1, "a@x"), Observations.imap(INBOX, 2, "a@x"));

        alice.apply(Observations.vanished(INBOX, 1, 2));
        alice.apply(Observations.imap(ARCHIVE, 1, "a@x"), Observations.imap(ARCHIVE, 2, "a@x"), Observations.imap(ARCHIVE, 3, "a@x"));

        assertThat(alice.types())
                .filteredOn(type -> type.startsWith("email."))
                .containsExactlyInAnyOrder(
                        "email.created", "email.created", "email.updated", "email.updated", "email.created");
    }

    @Test
    void an_email_is_destroyed_only_when_a_whole_pass_has_not_found_it() {
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
    void nothing_is_destroyed_while_mail_is_still_read_for_the_first_time() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        alice.apply(Observations.vanished(INBOX, 1, 1));
        PassFinished unfinished = new PassFinished(TestAccount.NOW, TestAccount.NOW, false, List.of());

        alice.apply(unfinished);
        alice.apply(unfinished);
        alice.apply(unfinished);

        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void a_renumbered_mailbox_keeps_its_emails() {
        SyncScope scope = SyncScope.ofMailbox(INBOX);
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, "a@x"),
                Observations.imap(INBOX, 2, "b@x"),
                new ScopeSynced(scope, new Cursor.Imap(1, 3, Optional.empty(), 1)));
        String id = alice.emailIdOf("a@x");

        alice.apply(new MailboxReset(INBOX, 2));
        alice.apply(
                new MailboxReset(INBOX, 2),
                Observations.imap(INBOX, 2, 11, Observations.email("b@x")),
                Observations.imap(INBOX, 2, 12, Observations.email("a@x")));
        alice.apply(Observations.pass());
        alice.apply(Observations.pass());

        assertThat(alice.emailIdOf("a@x")).isEqualTo(id);
        assertThat(alice.types())
                .containsExactly(
                        "mailbox.created",
                        "email.created",
                        "email.created",
                        "mailbox.reset",
                        "account.synced",
                        "account.state");
    }

    @Test
    void an_email_that_lies_twice_leaves_one_mailbox_and_stays() {
        var email = Observations.email("a@x", Optional.of("emailid:M1"), List.of());
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.mailbox(ARCHIVE),
                Observations.imap(INBOX, 1, 1, email, "$seen"),
                Observations.imap(ARCHIVE, 1, 5, email));
        List<String> both = alice.contents().get("INBOX");

        alice.apply(new MailboxVanished(ARCHIVE));

        assertThat(both).containsExactly("a@x []");
        // Seen everywhere again, now that it lies only where it is seen.
        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("a@x [$seen]")));
        assertThat(alice.types())
                .containsExactly(
                        "mailbox.created", "mailbox.created", "email.created", "email.updated", "mailbox.destroyed");
    }

    @Test
    void a_uid_holds_one_message() {
        alice.apply(
                Observations.mailbox(INBOX), Observations.imap(INBOX, 1, 1, Observations.email("a@x", Optional.of("emailid:1"), List.of())));

        alice.apply(Observations.imap(INBOX, 1, 1, Observations.email("b@x", Optional.of("emailid:2"), List.of())));

        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("b@x []")));
    }

    @Test
    void jmap_mailboxes_are_replaced_and_destroyed_is_destroyed() {
        MailboxKey one = MailboxKey.ofId("m1");
        MailboxKey other = MailboxKey.ofId("m2");
        alice.apply(
                Observations.mailbox(one),
                Observations.mailbox(other),
                Observations.jmap("e1", Set.of(one, other)),
                Observations.jmap("e2", Set.of(one)));

        alice.apply(Observations.jmapState("e1", Set.of(other), "$seen"), new EmailsDestroyed(List.of("e2", "unknown")));

        assertThat(alice.contents()).isEqualTo(Map.of("m2", List.of("e1@example.com [$seen]")));
        assertThat(alice.types()).endsWith("email.updated", "email.destroyed");
    }

    @Test
    void an_email_that_the_server_made_again_under_another_id_is_the_same_email() {
        MailboxKey one = MailboxKey.ofId("m1");
        alice.apply(Observations.mailbox(one), Observations.jmap("e1", Set.of(one)), Observations.jmap("e2", Set.of(one)));
        List<String> before = alice.types();
        JmapIdsReassigned changed = new JmapIdsReassigned(Map.of("e1", "e7", "unknown", "e8"));

        alice.apply(changed, Observations.jmapState("e7", Set.of(one), "$seen"));
        alice.apply(changed, new EmailsDestroyed(List.of("e1")));

        assertThat(alice.contents()).isEqualTo(Map.of("m1", List.of("e1@example.com [$seen]", "e2@example.com []")));
        assertThat(alice.types()).hasSize(before.size() + 1).endsWith("email.updated");
    }

    @Test
    void a_mailbox_that_nobody_has_described_yet_holds_its_email() {
        MailboxKey key = MailboxKey.ofId("m1");
        alice.apply(Observations.jmap("e1", Set.of(key)));

        alice.apply(Observations.mailbox(key, Optional.empty(), Optional.empty(), 1));

        assertThat(alice.contents()).isEqualTo(Map.of("m1", List.of("e1@example.com []")));
        assertThat(alice.types()).containsExactly("mailbox.created", "email.created", "mailbox.updated");
    }

    @Test
    void a_renamed_mailbox_keeps_its_id_its_cursor_and_its_childrens_paths_follow() {
        MailboxKey parent = MailboxKey.ofRawName("Old");
        MailboxKey child = MailboxKey.ofRawName("Old/Child");
        MailboxKey renamed = MailboxKey.ofRawName("New");
        MailboxKey renamedChild = MailboxKey.ofRawName("New/Child");
        Cursor cursor = new Cursor.Imap(1, 2, Optional.empty(), 1);
        alice.apply(
                Observations.mailbox(parent),
                Observations.mailbox(child, Optional.empty(), Optional.of(parent), 1),
                Observations.imap(child, 1, "a@x"),
                new ScopeSynced(SyncScope.ofMailbox(child), cursor));

        alice.apply(
                Observations.mailbox(renamed, Optional.of(parent), Optional.empty(), 0),
                Observations.mailbox(renamedChild, Optional.of(child), Optional.of(renamed), 1));

        assertThat(alice.contents()).isEqualTo(Map.of("New/Child", List.of("a@x []")));
        assertThat(alice.types())
                .containsExactly(
                        "mailbox.created", "mailbox.created", "email.created", "mailbox.updated", "mailbox.updated");
        assertThat(EventCodec.decode(
                        alice.text(
                                "select cursor::text from sync_state where account_id = ? and scope = 'mailbox:name:New/Child'"),
                        Cursor.class))
                .isEqualTo(cursor);
    }

    @Test
    void the_state_is_told_when_it_is_another_one_and_not_at_every_poll() {
        var none = Optional.<String>empty();
        var backoff = new AccountStateObserved(
                SyncState.BACKOFF, Optional.of("refused"), Optional.of(TestAccount.NOW), Optional.empty());
        var syncing = new AccountStateObserved(SyncState.SYNCING, none, Optional.empty(), Optional.empty());
        var idle = new AccountStateObserved(SyncState.IDLE, none, Optional.empty(), Optional.empty());

        long flapping = alice.apply(idle) + alice.apply(syncing) + alice.apply(idle) + alice.apply(syncing);
        long failing = alice.apply(backoff) + alice.apply(syncing) + alice.apply(backoff);
        long recovered = alice.apply(syncing) + alice.apply(idle);

        assertThat(List.of(flapping, failing, recovered)).containsExactly(1L, 1L, 1L);
        assertThat(alice.number("select count(*) from sync_log where account_id = ? and error is not null"))
                .isEqualTo(1);
    }

    @Test
    void a_finished_pass_is_logged_confirms_and_tells_that_the_account_is_synced_once() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"));
        MutationId mutation = wish(alice.emailIdOf("a@x"), "applied", "update", "{\"keywords\":{\"$seen\":true}}");

        alice.apply(Observations.state(INBOX, 1, "$seen"), Observations.pass(mutation));
        alice.apply(Observations.pass());

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
    void a_mailbox_that_was_wished_for_has_the_id_that_it_was_given_then() {
        UUID wished = UUID.randomUUID();
        alice.update(
                "insert into pending_changes (account_id, tenant_id, mailbox_id, kind, state, patch) values (?, ?, ?,"
                        + " 'mailbox-create', 'sending', jsonb_build_object('name', ?::text))",
                alice.account.value(),
                alice.tenant.value(),
                wished,
                "INBOX");

        alice.apply(Observations.mailbox(INBOX), Observations.pass());
        alice.apply(Observations.mailbox(INBOX), Observations.pass());

        assertThat(alice.text("select string_agg(mailbox_id::text, ' ') from mailbox where account_id = ?"))
                .isEqualTo(wished.toString());
    }

    @Test
    void a_change_that_fulfils_a_wish_names_it() {
        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"), Observations.imap(INBOX, 2, "b@x"));
        MutationId mutation = wish(alice.emailIdOf("a@x"), "sending", "update", "{\"keywords\":{\"$seen\":true}}");
        wish(alice.emailIdOf("b@x"), "queued", "update", "{\"keywords\":{\"$seen\":true}}");

        alice.apply(Observations.state(INBOX, 1, "$seen"), Observations.state(INBOX, 2, "$seen"));
        alice.apply(Observations.state(INBOX, 1, "$seen", "$flagged"));

        assertThat(alice.changesAfter(3))
                .extracting(change -> change.origin())
                .containsExactlyInAnyOrder(new Origin.Postbus(mutation), new Origin.Server(), new Origin.Server());
    }

    @Test
    void a_batch_that_names_another_tenant_is_forged() {
        ObservationBatch forged =
                new ObservationBatch(TestAccount.create().tenant, alice.account, 1, 1, List.of(Observations.mailbox(INBOX)));

        assertThatThrownBy(() -> TestAccount.APPLIER.apply(forged, TestAccount.NOW))
                .isInstanceOf(InapplicableException.class);
        assertThat(alice.changes()).isEmpty();
    }

    @Test
    void a_deleted_account_is_left_alone() {
        ObservationBatch batch = new ObservationBatch(
                new TenantId(UUID.randomUUID()), new AccountId(UUID.randomUUID()), 1, 1, List.of());

        assertThat(TestAccount.APPLIER.apply(batch, TestAccount.NOW)).isEqualTo(new Outcome.AccountGone());
    }

    @Test
    void what_postgres_cannot_hold_is_stripped() {
        String json = new String(
                        EventCodec.encode(alice.nextBatch(List.of(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x")))),
                        java.nio.charset.StandardCharsets.UTF_8)
                .replace("\"Hello\"", "\"He\\u0000l\\ud800lo \\ud83d\\ude00\"");

        TestAccount.APPLIER.apply(
                ObservationDecoder.decode(json.getBytes(java.nio.charset.StandardCharsets.UTF_8)), TestAccount.NOW);

        assertThat(alice.text("select preview from email where account_id = ?")).isEqualTo("Hello 😀");
    }

    @Test
    void a_message_id_that_no_index_could_hold_is_no_poison() {
        java.util.Random random = new java.util.Random(1);
        String endless = random.ints(10_000, 'a', 'z')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();

        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, endless));
        alice.apply(Observations.vanished(INBOX, 1, 1), Observations.imap(INBOX, 2, endless));

        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(1);
    }

    private MutationId wish(String emailId, String state, String kind, String patch) {
        MutationId mutation = new MutationId(UUID.randomUUID());
        alice.update(
                "insert into pending_changes (account_id, tenant_id, mutation_id, email_id, kind, state, patch) values (?, ?, ?, ?, '"
                        + kind + "', '" + state + "', '" + patch + "')",
                alice.account.value(),
                alice.tenant.value(),
                mutation.value(),
                UUID.fromString(emailId));
        return mutation;
    }
}
