package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.Resynced.Selected;
import org.postbus.mail.imap.grammar.Resynced.StateReported;
import org.postbus.mail.imap.grammar.Resynced.Vanished;
import org.postbus.observation.UidRange;

class ImapResyncTest extends TranscriptPlayer {
    private static final Resync SINCE = new Resync(5, 7, List.of());

    private static List<Resynced> resync(ImapConnection connection, MailboxName name, boolean readOnly, Resync since) {
        return await(connection.resync(name, readOnly, since).collect().asList());
    }

    private static boolean completelyResynced(ImapConnection connection) {
        List<Resynced> items = resync(connection, MailboxName.INBOX, false, SINCE);
        assertThat(items).hasSize(1);
        return ((Selected) items.getLast()).complete();
    }

    @Test
    void changes_come_before_the_mailbox_and_not_from_the_previous_one() {
        play("dovecot/qresync-select.txt", connection -> {
            await(connection.select(new MailboxName("Trash"), false));

            List<Resynced> items = resync(
                    connection,
                    MailboxName.INBOX,
                    false,
                    new Resync(1795382217, 3, List.of(new UidRange(3, 5), new UidRange(1, 2))));

            assertThat(items)
                    .startsWith(
                            new Vanished(List.of(new UidRange(3, 3), new UidRange(7, 4000000000L))),
                            new StateReported(1, Set.of(), OptionalLong.of(6)),
                            new StateReported(2, Set.of(ImapFlag.SEEN, new ImapFlag("$x")), OptionalLong.of(8)))
                    .hasSize(4);
            Selected selected = (Selected) items.getLast();
            assertThat(selected.complete()).isTrue();
            assertThat(selected.mailbox().messages()).isEqualTo(4);
            assertThat(selected.mailbox().highestModSeq()).hasValue(10);
            assertThat(connection.selectedName()).contains(MailboxName.INBOX);
            assertThat(connection.takeChanges()).isEmpty();

            Selected fallen =
                    (Selected) resync(connection, MailboxName.INBOX, true, new Resync(1795382217, 99999, List.of()))
                            .getLast();
            assertThat(fallen.complete()).isFalse();
            assertThat(fallen.mailbox().readOnly()).isTrue();
            Selected otherUidValidity =
                    (Selected) resync(connection, MailboxName.INBOX, false, new Resync(1, 3, List.of()))
                            .getLast();
            assertThat(otherUidValidity.complete()).isFalse();
            assertThat(otherUidValidity.mailbox().uidValidity()).hasValue(1795382217);
        });
    }

    @Test
    void answer_that_leaves_doubt_is_not_complete() {
        play("rfc/qresync-refused.txt", connection -> {
            assertThat(completelyResynced(connection)).as("BAD").isFalse();
            assertThat(completelyResynced(connection)).as("FETCH without UID").isFalse();
            assertThat(completelyResynced(connection)).as("NOMODSEQ").isFalse();
            assertThat(completelyResynced(connection)).as("no CLOSED").isFalse();
            assertThat(failureOf(() -> resync(connection, new MailboxName("gone"), false, SINCE)))
                    .isEqualTo(new ServerFailure.Rejected("NONEXISTENT", "NO [NONEXISTENT] no such mailbox"));
            assertThat(connection.selectedName()).isEmpty();
        });
    }

    @Test
    void qresync_is_never_enabled_on_icloud() {
        play("icloud/enable-without-enabled.txt", connection -> {
            assertThat(connection.qresyncEnabled()).isFalse();
            assertThatThrownBy(() -> resync(connection, MailboxName.INBOX, false, SINCE))
                    .isInstanceOf(IllegalStateException.class);
            await(connection.select(MailboxName.INBOX, false));
            await(connection.uidSearchAll());
        });
    }

    @Test
    void nothing_is_no_baseline() {
        for (long modSeq : new long[] {0, -1}) {
            assertThatThrownBy(() -> new Resync(5, modSeq, List.of())).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> new Resync(0, 1, List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
