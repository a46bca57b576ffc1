package org.postbus.outbound.flush;

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
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.retry.RetrySchedule;

/** The contract over IMAP. */
abstract class ImapMutationFlushContract extends MutationFlushContract {
    @Override
    Account newAccount() {
        return process.database.account(new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", imapPort(), TlsMode.NONE), Optional.empty()));
    }

    @Override
    MailboxId storedMailbox(String name) {
        return process.database.mailbox(account, "name:" + name, name);
    }

    @Override
    void renamed(MailboxId mailbox, String rawName) {
        process.database.run(
                "update mailbox set raw_name = ?, server_key = ? where mailbox_id = ?",
                rawName,
                "name:" + rawName,
                mailbox.value());
    }

    @Override
    EmailId storedEmail(long uid, String messageId) {
        EmailId email = process.database.email(account, null, messageId);
        process.database.link(account, email, inbox, uidValidity("INBOX"), uid);
        return email;
    }

    @Test
    void after_a_UIDVALIDITY_change_mutations_wait_until_the_emails_are_located_again() {
        raw.create("Box");
        MailboxId box = storedMailbox("Box");
        List<String> names = List.of("kept", "marked", "moved", "destroyed", "lost", "last");
        long before = raw.select("Box").uidValidity();
        Map<String, EmailId> emails = new HashMap<>();
        names.forEach(name -> {
            emails.put(name, process.database.email(account, null, name + "@example.com"));
            process.database.link(account, emails.get(name), box, before, appendTo("Box", name));
        });
        // The idle connection has the mailbox selected.
        MutationId first = process.database.mutation(account, emails.get("last"), "{\"keywords\": {\"a\": true}}");
        process.flush(account);
        assertThat(process.database.state(first)).isEqualTo("applied");
        process.database.confirm(first);

        // When the same messages have other UIDs, each one that another message had before
        if (!mayReplaceAnOpenMailbox()) {
            process.servers.close();
        }
        raw.select("INBOX");
        raw.delete("Box");
        raw.create("Box");
        names.reversed().stream().filter(name -> !name.equals("lost")).forEach(name -> appendTo("Box", name));
        long after = raw.select("Box").uidValidity();
        assertThat(after).isNotEqualTo(before);
        MutationId marked = process.database.mutation(account, emails.get("marked"), "{\"keywords\": {\"b\": true}}");
        MutationId moved = process.database.mutation(
                account,
                emails.get("moved"),
                "{\"mailboxIds\": {\"" + archive.value() + "\": true, \"" + box.value() + "\": null}}");
        MutationId destroyed = process.database.destroy(account, emails.get("destroyed"));
        MutationId lost = process.database.mutation(account, emails.get("lost"), "{\"keywords\": {\"b\": true}}");
        List<MutationId> all = List.of(marked, moved, destroyed, lost);
        process.flush(account);

        // Then no message is changed,
        assertThat(all)
                .extracting(process.database::row)
                .allSatisfy(row -> assertThat(row)
                        .isEqualTo(new TestDatabase.Row("queued", 1, "the UIDVALIDITY of the mailbox Box changed")));
        assertThat(all("Box"))
                .hasSize(5)
                .allSatisfy(message -> assertThat(lower(message.flags())).doesNotContain("b"));

        // nor while the fetcher reads the mailbox again and the emails have no location, for longer than five attempts;
        emails.values().forEach(email -> process.database.unlink(account, email));
        for (int attempt = 2; attempt < 2 * RetrySchedule.ATTEMPTS_MAX; attempt++) {
            process.database.makeDue();
            process.flush(account);
        }
        assertThat(all).extracting(process.database::state).containsOnly("queued");
        assertThat(all("Box")).hasSize(5);

        // and after that each mutation changes its own message.
        for (RawImap.Message message : all("Box")) {
            String name = name(message);
            process.database.link(account, emails.get(name), box, after, message.uid());
        }
        process.database.run(
                "delete from email where email_id = ?", emails.get("lost").value());
        process.database.makeDue();
        process.flush(account);
        assertThat(List.of(marked, moved, destroyed))
                .extracting(process.database::state)
                .containsOnly("applied");
        assertThat(process.database.row(lost).state()).isEqualTo("rejected");
        assertThat(process.database.row(lost).error()).startsWith("notFound");
        assertThat(all("Box"))
                .extracting(ImapMutationFlushContract::name)
                .containsExactlyInAnyOrder("kept", "marked", "last");
        assertThat(all("Box"))
                .filteredOn(message -> lower(message.flags()).contains("b"))
                .extracting(ImapMutationFlushContract::name)
                .containsExactly("marked");
        assertThat(all("Archive")).extracting(ImapMutationFlushContract::name).containsExactly("moved");
    }

    /** Whether the server supports that a mailbox is deleted and created again while a client has it selected. */
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
