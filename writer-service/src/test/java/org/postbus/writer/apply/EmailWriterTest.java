package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.ARCHIVE;
import static org.postbus.writer.Observations.INBOX;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.Origin;
import org.postbus.model.MutationId;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

/** What observations make of emails: which one is meant, and what is emitted. */
class EmailWriterTest {
    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void a_repeated_observation_emits_nothing() {
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, "a@x", "$seen"),
                Observations.imap(INBOX, 2, "b@x"));
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
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, "a@x"),
                Observations.imap(INBOX, 1, "a@x"),
                Observations.mailbox(INBOX));

        assertThat(alice.types()).containsExactly("mailbox.created", "email.created");
    }

    @Test
    void an_observed_state_changes_keywords_and_is_ignored_for_an_unknown_email() {
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
    void two_moved_emails_with_equal_fingerprints_are_matched_one_to_one() {
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.mailbox(ARCHIVE),
                Observations.imap(INBOX, 1, "a@x"),
                Observations.imap(INBOX, 2, "a@x"));

        alice.apply(Observations.vanished(INBOX, 1, 2));
        alice.apply(
                Observations.imap(ARCHIVE, 1, "a@x"),
                Observations.imap(ARCHIVE, 2, "a@x"),
                Observations.imap(ARCHIVE, 3, "a@x"));

        assertThat(alice.types())
                .filteredOn(type -> type.startsWith("email."))
                .containsExactlyInAnyOrder(
                        "email.created", "email.created", "email.updated", "email.updated", "email.created");
    }

    @Test
    void an_email_in_two_mailboxes_stays_when_it_is_removed_from_one() {
        var email = Observations.email("a@x", Optional.of("emailid:M1"), List.of());
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.mailbox(ARCHIVE),
                Observations.imap(INBOX, 1, 1, email, "$seen"),
                Observations.imap(ARCHIVE, 1, 5, email));
        List<String> both = alice.contents().get("INBOX");

        alice.apply(new MailboxVanished(ARCHIVE));

        assertThat(both).containsExactly("a@x []");
        // It is now only in the mailbox where it has $seen.
        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("a@x [$seen]")));
        assertThat(alice.types())
                .containsExactly(
                        "mailbox.created", "mailbox.created", "email.created", "email.updated", "mailbox.destroyed");
    }

    @Test
    void a_uid_names_one_message() {
        alice.apply(
                Observations.mailbox(INBOX),
                Observations.imap(INBOX, 1, 1, Observations.email("a@x", Optional.of("emailid:1"), List.of())));

        alice.apply(Observations.imap(INBOX, 1, 1, Observations.email("b@x", Optional.of("emailid:2"), List.of())));

        assertThat(alice.contents()).isEqualTo(Map.of("INBOX", List.of("b@x []")));
    }

    @Test
    void jmap_mailboxes_are_replaced_and_destroyed_emails_are_destroyed() {
        MailboxKey one = MailboxKey.ofId("m1");
        MailboxKey other = MailboxKey.ofId("m2");
        alice.apply(
                Observations.mailbox(one),
                Observations.mailbox(other),
                Observations.jmap("e1", Set.of(one, other)),
                Observations.jmap("e2", Set.of(one)));

        alice.apply(
                Observations.jmapState("e1", Set.of(other), "$seen"), new EmailsDestroyed(List.of("e2", "unknown")));

        assertThat(alice.contents()).isEqualTo(Map.of("m2", List.of("e1@example.com [$seen]")));
        assertThat(alice.types()).endsWith("email.updated", "email.destroyed");
    }

    @Test
    void an_email_with_a_reassigned_jmap_id_is_the_same_email() {
        MailboxKey one = MailboxKey.ofId("m1");
        alice.apply(
                Observations.mailbox(one), Observations.jmap("e1", Set.of(one)), Observations.jmap("e2", Set.of(one)));
        List<String> before = alice.types();
        JmapIdsReassigned changed = new JmapIdsReassigned(Map.of("e1", "e7", "unknown", "e8"));

        alice.apply(changed, Observations.jmapState("e7", Set.of(one), "$seen"));
        alice.apply(changed, new EmailsDestroyed(List.of("e1")));

        assertThat(alice.contents()).isEqualTo(Map.of("m1", List.of("e1@example.com [$seen]", "e2@example.com []")));
        assertThat(alice.types()).hasSize(before.size() + 1).endsWith("email.updated");
    }

    @Test
    void a_message_id_that_is_too_long_for_an_index_is_stored() {
        Random random = new Random(1);
        String tooLong = random.ints(10_000, 'a', 'z')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();

        alice.apply(Observations.mailbox(INBOX), Observations.imap(INBOX, 1, tooLong));
        alice.apply(Observations.vanished(INBOX, 1, 1), Observations.imap(INBOX, 2, tooLong));

        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(1);
    }

    @Test
    void a_change_names_the_mutation_that_caused_it() {
        alice.apply(
                Observations.mailbox(INBOX), Observations.imap(INBOX, 1, "a@x"), Observations.imap(INBOX, 2, "b@x"));
        MutationId mutation =
                alice.mutation(alice.emailIdOf("a@x"), "sending", "update", "{\"keywords\":{\"$seen\":true}}");
        alice.mutation(alice.emailIdOf("b@x"), "queued", "update", "{\"keywords\":{\"$seen\":true}}");

        alice.apply(Observations.state(INBOX, 1, "$seen"), Observations.state(INBOX, 2, "$seen"));
        alice.apply(Observations.state(INBOX, 1, "$seen", "$flagged"));

        assertThat(alice.changesAfter(3))
                .extracting(change -> change.origin())
                .containsExactlyInAnyOrder(new Origin.Postbus(mutation), new Origin.Server(), new Origin.Server());
    }
}
