package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.model.MailboxRole;
import org.postbus.observation.UidRange;

/** Mailboxes and labels of Gmail; the first line of each transcript says what it contains. */
class GmailTranscriptTest extends TranscriptPlayer {
    private static final MailboxName ALL_MAIL = new MailboxName("[Gmail]/All Mail");
    private static final MailboxName TRASH = new MailboxName("[Gmail]/Trash");
    private static final GmailLabel BOOKS = GmailLabel.of(new MailboxName("B&APw-cher"));

    @Test
    void mailboxes_are_found_by_their_attributes() {
        play("gmail/list-localised.txt", connection -> {
            Map<MailboxRole, String> roles = new HashMap<>();
            List<ListedMailbox> mailboxes = await(connection.list());
            mailboxes.forEach(mailbox -> mailbox.role()
                    .ifPresent(role -> roles.put(role, mailbox.name().displayName())));

            assertThat(roles)
                    .containsEntry(MailboxRole.ALL, "[Gmail]/Alle Nachrichten")
                    .containsEntry(MailboxRole.JUNK, "[Gmail]/Spam")
                    .containsEntry(MailboxRole.TRASH, "[Gmail]/Papierkorb")
                    .containsEntry(MailboxRole.DRAFTS, "[Gmail]/Entwürfe")
                    .containsEntry(MailboxRole.FLAGGED, "[Gmail]/Markiert")
                    .containsEntry(MailboxRole.IMPORTANT, "[Gmail]/Wichtig")
                    .hasSize(8);
            assertThat(mailboxes).filteredOn(mailbox -> !mailbox.selectable()).hasSize(1);
        });
    }

    @Test
    void changes_come_with_their_labels() {
        play("gmail/label-changes.txt", connection -> {
            await(connection.select(ALL_MAIL, true));
            List<FetchedMessage> changed = await(connection
                    .uidFetch(
                            List.of(new UidRange(1, 29)),
                            FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ, FetchItems.GMAIL)
                                    .changedSince(5100))
                    .collect()
                    .asList());

            assertThat(changed).extracting(FetchedMessage::uid).containsExactly(5L, 9L);
            assertThat(changed.get(0).gmail().orElseThrow().labels().orElseThrow())
                    .extracting(label -> new GmailLabel(label)
                            .role()
                            .map(MailboxRole::wireName)
                            .orElse(label))
                    .containsExactlyInAnyOrder("important", "flagged", "Work");
            assertThat(changed.get(1).gmail().orElseThrow().labels()).contains(Set.of());
            assertThat(connection.takeChanges()).hasSize(1);
        });
    }

    @Test
    void labels_are_stored_by_uid() {
        play("gmail/store-labels.txt", connection -> {
            await(connection.select(ALL_MAIL, false));
            GmailLabel inbox = GmailLabel.of(MailboxRole.INBOX).orElseThrow();
            GmailLabel sent = GmailLabel.of(MailboxRole.SENT).orElseThrow();
            await(connection.uidStoreLabels(
                    List.of(new UidRange(5, 5), new UidRange(7, 8)), StoreMode.ADD, Set.of(inbox, BOOKS)));
            await(connection.uidStoreLabels(List.of(new UidRange(7, 7)), StoreMode.REMOVE, Set.of(sent)));

            ServerFailure failure = failureOf(
                    () -> await(connection.uidStoreLabels(List.of(new UidRange(9, 9)), StoreMode.ADD, Set.of(inbox))));

            assertThat(failure).isInstanceOf(ServerFailure.Rejected.class);
        });
    }

    @Test
    void moved_messages_are_identified_by_x_gm_msgid() {
        play("gmail/move-to-trash.txt", connection -> {
            await(connection.select(ALL_MAIL, false));
            CopiedUids moved = await(connection.uidMove(List.of(new UidRange(5, 5), new UidRange(7, 7)), TRASH))
                    .getFirst();
            await(connection.select(TRASH, false));
            List<FetchedMessage> there = await(connection
                    .uidFetch(moved.targets(), FetchItems.of(FetchItems.GMAIL_MESSAGE_ID))
                    .collect()
                    .asList());

            assertThat(moved.targets()).containsExactly(new UidRange(2275, 2275), new UidRange(2274, 2274));
            assertThat(there)
                    .extracting(
                            message -> message.gmail().orElseThrow().messageId().orElseThrow())
                    .containsExactly("1278455344230334866", "1278455344230334865");
        });
    }
}
