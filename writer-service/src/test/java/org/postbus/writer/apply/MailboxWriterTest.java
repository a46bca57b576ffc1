package org.postbus.writer.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.postbus.writer.Observations.INBOX;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.MailboxReset;
import org.postbus.observation.Observation.ScopeSynced;
import org.postbus.observation.SyncScope;
import org.postbus.writer.Observations;
import org.postbus.writer.TestAccount;

class MailboxWriterTest {
    private final TestAccount alice = TestAccount.create();

    @AfterEach
    void the_change_log_folds_to_the_tables() {
        assertThat(alice.folded()).isEqualTo(alice.stored());
    }

    @Test
    void emails_keep_their_ids_when_uidvalidity_changes() {
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
    void an_email_in_a_mailbox_that_has_not_been_observed_yet_is_stored() {
        MailboxKey key = MailboxKey.ofId("m1");
        alice.apply(Observations.jmap("e1", Set.of(key)));

        alice.apply(Observations.mailbox(key, Optional.empty(), Optional.empty(), 1));

        assertThat(alice.contents()).isEqualTo(Map.of("m1", List.of("e1@example.com []")));
        assertThat(alice.types()).containsExactly("mailbox.created", "email.created", "mailbox.updated");
    }

    @Test
    void a_renamed_mailbox_keeps_its_id_and_cursor_and_the_paths_of_its_children_change() {
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
    void a_mailbox_that_a_mutation_creates_gets_the_id_of_the_mutation() {
        UUID requested = UUID.randomUUID();
        alice.update(
                "insert into pending_changes (account_id, tenant_id, mailbox_id, kind, state, patch) values (?, ?, ?,"
                        + " 'mailbox-create', 'sending', jsonb_build_object('name', ?::text))",
                alice.account.value(),
                alice.tenant.value(),
                requested,
                "INBOX");

        alice.apply(Observations.mailbox(INBOX), Observations.pass());
        alice.apply(Observations.mailbox(INBOX), Observations.pass());

        assertThat(alice.text("select string_agg(mailbox_id::text, ' ') from mailbox where account_id = ?"))
                .isEqualTo(requested.toString());
    }
}
