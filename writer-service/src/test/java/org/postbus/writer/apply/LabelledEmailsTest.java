package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.MailboxVanished;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

/** Emails that have a UID in one mailbox and are in others by their labels, as Gmail shows them. */
class LabelledEmailsTest {
    private static final MailboxKey ALL = MailboxKey.ofRawName("All Mail");
    private static final MailboxKey TRASH = MailboxKey.ofRawName("Trash");
    private static final MailboxKey WORK = MailboxKey.ofRawName("Work");

    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void an_email_with_labels_is_one_email_in_several_mailboxes() {
        mailboxes();
        alice.apply(filed(ALL, 7, "a", Set.of(INBOX, WORK), "$seen"));

        assertThat(alice.contents())
                .isEqualTo(Map.of(
                        "All Mail",
                        List.of("a@x [$seen]"),
                        "INBOX",
                        List.of("a@x [$seen]"),
                        "Work",
                        List.of("a@x [$seen]")));
        assertThat(alice.number("select count(*) from email where account_id = ?"))
                .isEqualTo(1);
        assertThat(changesOf(filed(ALL, 7, "a", Set.of(INBOX, WORK), "$seen"))).isEmpty();
    }

    @Test
    void a_change_of_labels_is_one_update() {
        mailboxes();
        alice.apply(filed(ALL, 7, "a", Set.of(INBOX)));

        List<Change> labelled = changesOf(state(ALL, 7, Set.of(INBOX, WORK)));
        List<Change> archived = changesOf(state(ALL, 7, Set.of(), "$seen"));

        assertThat(labelled).singleElement().satisfies(change -> {
            EmailUpdated updated = (EmailUpdated) change;
            assertThat(updated.mailboxIds().orElseThrow().newValue()).hasSize(3);
            assertThat(updated.keywords()).isEmpty();
        });
        assertThat(archived).singleElement().satisfies(change -> {
            EmailUpdated updated = (EmailUpdated) change;
            assertThat(updated.mailboxIds().orElseThrow().newValue()).hasSize(1);
            assertThat(updated.keywords()).isPresent();
        });
        assertThat(alice.contents()).containsEntry("All Mail", List.of("a@x [$seen]"));
    }

    @Test
    void an_email_that_loses_its_uid_loses_its_labels_and_is_found_again_in_one_update() {
        mailboxes();
        alice.apply(filed(ALL, 7, "a", Set.of(INBOX, WORK)), filed(ALL, 8, "b", Set.of()));
        String id = alice.emailIdOf("a@x");

        List<Change> left = changesOf(Observations.vanished(ALL, 1, 100));
        List<Change> found = changesOf(filed(TRASH, 3, "a", Set.of()));
        alice.apply(Observations.pass());
        alice.apply(Observations.pass());

        assertThat(left).isEmpty();
        assertThat(found).singleElement().satisfies(change -> {
            EmailUpdated updated = (EmailUpdated) change;
            assertThat(updated.mailboxIds().orElseThrow().oldValue()).hasSize(3);
            assertThat(updated.mailboxIds().orElseThrow().newValue()).hasSize(1);
        });
        assertThat(alice.emailIdOf("a@x")).isEqualTo(id);
        assertThat(alice.types()).endsWith("email.destroyed");
        assertThat(alice.contents().get("Trash")).containsExactly("a@x []");
    }

    @Test
    void labels_are_kept_when_uidvalidity_changes_and_the_mailbox_is_read_again() {
        mailboxes();
        alice.apply(filed(ALL, 7, "a", Set.of(INBOX, WORK)));

        assertThat(changesOf(new MailboxReset(ALL, 2))).singleElement().isInstanceOf(ChangeEvent.MailboxReset.class);
        assertThat(changesOf(new EmailObserved(
                        new EmailRef.ImapMessage(ALL, 2, 1),
                        Set.of(ALL, INBOX, WORK),
                        Set.of(),
                        Optional.empty(),
                        Observations.email("a@x", Optional.of("gm:a"), List.of()))))
                .isEmpty();
    }

    @Test
    void a_deleted_label_is_removed_from_its_emails_and_a_renamed_label_is_kept() {
        mailboxes();
        alice.apply(filed(ALL, 7, "a", Set.of(INBOX, WORK)), filed(ALL, 8, "b", Set.of(WORK)));
        MailboxKey jobs = MailboxKey.ofRawName("Jobs");

        List<Change> renamed = changesOf(Observations.mailbox(jobs, Optional.of(WORK), Optional.empty(), 0));
        List<Change> same = changesOf(state(ALL, 7, Set.of(INBOX, jobs)));
        List<Change> deleted = changesOf(new MailboxVanished(jobs));

        assertThat(renamed).singleElement().isInstanceOf(ChangeEvent.MailboxUpdated.class);
        assertThat(same).isEmpty();
        assertThat(deleted)
                .hasSize(3)
                .filteredOn(EmailUpdated.class::isInstance)
                .hasSize(2);
        assertThat(alice.contents().get("All Mail")).hasSize(2);
    }

    /** This happens when a user lets Gmail show All Mail to IMAP clients. */
    @Test
    void a_message_that_is_now_in_its_mailbox_by_a_label_emits_nothing() {
        mailboxes();
        alice.apply(filed(INBOX, 5, "a", Set.of()), filed(WORK, 9, "a", Set.of()));

        List<Change> all = changesOf(filed(ALL, 7, "a", Set.of(INBOX, WORK)));
        List<Change> gone =
                changesOf(Observations.vanished(INBOX, 1, 0xFFFF_FFFFL), Observations.vanished(WORK, 1, 0xFFFF_FFFFL));

        assertThat(all).singleElement().isInstanceOf(EmailUpdated.class);
        assertThat(gone).isEmpty();
        assertThat(alice.number("select count(*) from email_mailbox where account_id = ? and uid > 0"))
                .isEqualTo(1);
    }

    private void mailboxes() {
        alice.apply(
                Observations.mailbox(ALL),
                Observations.mailbox(INBOX),
                Observations.mailbox(TRASH),
                Observations.mailbox(WORK));
    }

    private List<Change> changesOf(Observation... observations) {
        long before = alice.lastSeq();
        alice.apply(observations);
        return alice.changesAfter(before).stream().map(event -> event.change()).toList();
    }

    private static EmailObserved filed(
            MailboxKey home, long uid, String gmailId, Set<MailboxKey> labels, String... keywords) {
        return new EmailObserved(
                new EmailRef.ImapMessage(home, 1, uid),
                with(home, labels),
                Observations.keywords(keywords),
                Optional.empty(),
                Observations.email(gmailId + "@x", Optional.of("gm:" + gmailId), List.of()));
    }

    private static EmailStateObserved state(MailboxKey home, long uid, Set<MailboxKey> labels, String... keywords) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(home, 1, uid),
                with(home, labels),
                Observations.keywords(keywords),
                Optional.empty());
    }

    private static Set<MailboxKey> with(MailboxKey home, Set<MailboxKey> labels) {
        Set<MailboxKey> mailboxes = new LinkedHashSet<>(labels);
        mailboxes.add(home);
        return mailboxes;
    }
}
