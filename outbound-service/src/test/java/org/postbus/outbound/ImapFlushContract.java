package org.postbus.outbound;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.TestDatabase.Account;

/** The contract over IMAP. */
abstract class ImapFlushContract extends FlushContract {
    @Override
    Account newAccount() {
        return side.database.account(new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", imapPort(), TlsMode.NONE), Optional.empty()));
    }

    @Override
    MailboxId knownMailbox(String name) {
        return side.database.mailbox(account, "name:" + name, name);
    }

    @Override
    void renamed(MailboxId mailbox, String rawName) {
        side.database.run(
                "update mailbox set raw_name = ?, server_key = ? where mailbox_id = ?",
                rawName,
                "name:" + rawName,
                mailbox.value());
    }

    @Override
    EmailId knownEmail(long uid, String messageId) {
        EmailId email = side.database.email(account, null, messageId);
        side.database.link(account, email, inbox, uidValidity("INBOX"), uid);
        return email;
    }

    @Test
    void wishes_for_a_mailbox_that_was_renumbered_wait_for_its_emails_to_be_found_again() {
        raw.create("Box");
        MailboxId box = knownMailbox("Box");
        List<String> names = List.of("kept", "marked", "moved", "destroyed", "lost", "last");
        long before = raw.select("Box").uidValidity();
        Map<String, EmailId> emails = new HashMap<>();
        names.forEach(name -> {
            emails.put(name, side.database.email(account, null, name + "@example.com"));
            side.database.link(account, emails.get(name), box, before, appendTo("Box", name));
        });
        // Where a connection is kept, it has the mailbox open.
        MutationId first = side.database.wish(account, emails.get("last"), "{\"keywords\": {\"a\": true}}");
        side.flush(account);
        assertThat(side.database.state(first)).isEqualTo("applied");
        side.database.confirm(first);

        // When the same messages have other UIDs, each that of another one before
        if (!mayReplaceAnOpenMailbox()) {
            side.servers.close();
        }
        raw.select("INBOX");
        raw.delete("Box");
        raw.create("Box");
        names.reversed().stream().filter(name -> !name.equals("lost")).forEach(name -> appendTo("Box", name));
        long after = raw.select("Box").uidValidity();
        assertThat(after).isNotEqualTo(before);
        MutationId marked = side.database.wish(account, emails.get("marked"), "{\"keywords\": {\"b\": true}}");
        MutationId moved = side.database.wish(
                account,
                emails.get("moved"),
                "{\"mailboxIds\": {\"" + archive.value() + "\": true, \"" + box.value() + "\": null}}");
        MutationId destroyed = side.database.destroy(account, emails.get("destroyed"));
        MutationId lost = side.database.wish(account, emails.get("lost"), "{\"keywords\": {\"b\": true}}");
        List<MutationId> all = List.of(marked, moved, destroyed, lost);
        side.flush(account);

        // Then nothing is touched,
        assertThat(all)
                .extracting(side.database::row)
                .allSatisfy(row -> assertThat(row)
                        .isEqualTo(new TestDatabase.Row("queued", 1, "the mailbox Box was renumbered (UIDVALIDITY)")));
        assertThat(all("Box"))
                .hasSize(5)
                .allSatisfy(message -> assertThat(lower(message.flags())).doesNotContain("b"));

        // nor while the fetcher reads the mailbox anew, and the emails are nowhere: longer than all tries would last;
        emails.values().forEach(email -> side.database.unlink(account, email));
        for (int attempt = 2; attempt < 2 * RetryRule.TRIES_MAX; attempt++) {
            side.database.hurry();
            side.flush(account);
        }
        assertThat(all).extracting(side.database::state).containsOnly("queued");
        assertThat(all("Box")).hasSize(5);

        // and when it has, each wish meets its own message.
        for (RawImap.Message message : all("Box")) {
            String name = name(message);
            side.database.link(account, emails.get(name), box, after, message.uid());
        }
        side.database.run(
                "delete from email where email_id = ?", emails.get("lost").value());
        side.database.hurry();
        side.flush(account);
        assertThat(List.of(marked, moved, destroyed))
                .extracting(side.database::state)
                .containsOnly("applied");
        assertThat(side.database.row(lost).state()).isEqualTo("rejected");
        assertThat(side.database.row(lost).error()).startsWith("notFound");
        assertThat(all("Box")).extracting(ImapFlushContract::name).containsExactlyInAnyOrder("kept", "marked", "last");
        assertThat(all("Box"))
                .filteredOn(message -> lower(message.flags()).contains("b"))
                .extracting(ImapFlushContract::name)
                .containsExactly("marked");
        assertThat(all("Archive")).extracting(ImapFlushContract::name).containsExactly("moved");
    }

    /** Whether the server's own files withstand that a mailbox which somebody has open is deleted and made again. */
    abstract boolean mayReplaceAnOpenMailbox();

    private long appendTo(String mailbox, String name) {
        byte[] message = ("Message-ID: <" + name + "@example.com>\r\nFrom: a@example.com\r\n\r\nHello\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        return raw.append(mailbox, List.of(), Instant.parse("2026-01-02T03:04:05Z"), message)
                .orElseThrow();
    }

    private static String name(RawImap.Message message) {
        String id = message.messageId().orElseThrow();
        return id.substring(1, id.indexOf('@'));
    }
}
