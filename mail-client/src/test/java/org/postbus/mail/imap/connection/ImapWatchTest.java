package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.session.AccountChange;

class ImapWatchTest extends TranscriptPlayer {
    private static final Duration LONG = Duration.ofSeconds(8);

    private static MailboxStatus status(OptionalLong messages, OptionalLong unseen) {
        return new MailboxStatus(
                messages, unseen, OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty(), Optional.empty());
    }

    /** All changes until {@code count} of them have been reported. */
    private static List<AccountChange> changes(ImapConnection connection, int count) {
        List<AccountChange> all = new java.util.ArrayList<>();
        while (all.size() < count) {
            assertThat(await(connection.watch(LONG))).isEqualTo(WatchOutcome.CHANGED);
            all.addAll(connection.takeAccountChanges());
        }
        return all;
    }

    @Test
    void notify_reports_every_mailbox_without_a_command() {
        play("dovecot/notify.txt", connection -> {
            assertThat(await(connection.notifyPersonal())).isTrue();
            assertThat(connection.notifying()).isTrue();

            // Both STATUS of the inbox may come as one.
            AccountChange.Dirty inbox =
                    (AccountChange.Dirty) changes(connection, 1).getFirst();
            assertThat(inbox.name()).isEqualTo(MailboxName.INBOX);

            assertThat(await(connection.status(new MailboxName("Trash"))).messages())
                    .hasValue(1);
            assertThat(connection.takeAccountChanges())
                    .containsExactly(new AccountChange.Dirty(
                            MailboxName.INBOX, status(OptionalLong.of(9), OptionalLong.empty())));
            assertThat(await(connection.watch(Duration.ofMillis(100)))).isEqualTo(WatchOutcome.TIME_UP);
            await(connection.notifyNone());
            assertThat(await(connection.watch(Duration.ofMillis(100)))).isEqualTo(WatchOutcome.TIME_UP);
        });
    }

    @Test
    void a_server_that_might_be_dovecot_is_not_asked_for_the_names_of_mailboxes() {
        play(
                "dovecot/notify-nameless.txt",
                connection -> assertThat(await(connection.notifyPersonal())).isTrue());
    }

    @Test
    void notify_names_mailboxes_that_were_subscribed_renamed_and_deleted() {
        play("rfc/notify-mailboxes.txt", connection -> {
            assertThat(await(connection.notifyPersonal())).isTrue();

            List<AccountChange.Listed> listed = changes(connection, 3).stream()
                    .map(AccountChange.Listed.class::cast)
                    .toList();

            assertThat(listed.get(0).mailbox().subscribed()).isTrue();
            assertThat(listed.get(1).oldName()).contains(new MailboxName("foo"));
            assertThat(listed.get(1).mailbox().name()).isEqualTo(new MailboxName("b ar"));
            assertThat(listed.get(2).mailbox().attributes()).contains("\\nonexistent");
        });
    }

    @Test
    void notify_is_requested_with_fewer_events_and_ends_on_overflow() {
        play("rfc/notify-degrades.txt", connection -> {
            assertThat(await(connection.notifyPersonal())).isTrue();
            while (connection.notifying()) {
                await(connection.watch(LONG));
            }
            assertThat(connection.takeAccountChanges()).contains(new AccountChange.TooMany());

            assertThat(await(connection.notifyPersonal())).isFalse();
        });
    }
}
