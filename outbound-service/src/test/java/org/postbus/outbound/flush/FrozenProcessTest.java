package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.outbound.fixture.HaltingProxy;
import org.postbus.outbound.fixture.HaltingProxy.Side;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDovecot;

/**
 * A process is frozen just before its first COPY reaches the server, for longer than its claim. Another process does the work; then the COPY of the
 * first one arrives as well. There is one copy in the end.
 */
class FrozenProcessTest {
    private static final String PASSWORD = "secret-of-the-test";
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final Set<String> WITHOUT_MOVE = Set.of("MOVE");
    /** SELECT, FETCH, COPY. */
    private static final int COPY = 3;

    private OutboundProcess process;
    private HaltingProxy proxy;
    private RawImap raw;
    private Account account;

    @BeforeEach
    void open() {
        TestDovecot.assumeInstalled();
        String user = "frozen" + System.nanoTime() + "@example.com";
        DevStack.dovecot(WITHOUT_MOVE, Dovecot.User.of(user, PASSWORD));
        int port = DevStack.dovecot(WITHOUT_MOVE).ports().imap();
        raw = RawImap.login("127.0.0.1", port, user, PASSWORD);
        raw.create("Archive");
        proxy = new HaltingProxy(port);
        process = new OutboundProcess();
        // Each flush opens a connection of its own, as in another process.
        process.servers.close();
        account = process.database.account(new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", proxy.port(), TlsMode.NONE), Optional.empty()));
        process.password(account, new Secret(PASSWORD));
    }

    @AfterEach
    void close() throws SQLException {
        proxy.close();
        raw.close();
        process.close();
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void a_copy_that_arrives_late_does_not_stay(boolean removedFromInbox, boolean hasMessageId) {
        // Given
        Optional<String> messageId = hasMessageId ? Optional.of("frozen@example.com") : Optional.empty();
        MailboxId inbox = process.database.mailbox(account, "name:INBOX", "INBOX");
        MailboxId archive = process.database.mailbox(account, "name:Archive", "Archive");
        byte[] message = (messageId.map(id -> "Message-ID: <" + id + ">\r\n").orElse("")
                        + "From: a@example.com\r\nSubject: test\r\n\r\nHello\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        long uid = raw.append("INBOX", List.of(), Instant.parse("2026-01-02T03:04:05Z"), message)
                .orElseThrow();
        EmailId email = process.database.email(account, null, messageId.orElse(null));
        process.database.link(account, email, inbox, raw.select("INBOX").uidValidity(), uid);
        MutationId mutation = process.database.mutation(
                account,
                email,
                "{\"mailboxIds\": {\"" + archive.value() + "\": true"
                        + (removedFromInbox ? ", \"" + inbox.value() + "\": null" : "") + "}}");
        proxy.arm(COPY, Side.BEFORE);

        // When
        Thread frozen = Thread.startVirtualThread(() -> process.flusher.flush(account.tenant(), account.id()));
        await().atMost(WAIT).until(() -> proxy.hasHalted() || !frozen.isAlive());
        assertThat(proxy.commands().getLast()).contains(" UID COPY ");
        process.database.run("update pending_changes set claimed_until = now() - interval '1 second'");
        var other = process.mutationFlusher("two");
        while (other.flush(account.tenant(), account.id())) {
            // Until nothing is due.
        }
        assertThat(process.database.state(mutation)).isEqualTo("applied");
        assertThat(messages("Archive")).isEqualTo(1);
        proxy.resume();
        await().atMost(WAIT).until(() -> !frozen.isAlive());

        // Then
        assertThat(messages("Archive")).as("copies").isEqualTo(1);
        assertThat(messages("INBOX")).isEqualTo(removedFromInbox ? 0 : 1);
        assertThat(process.database.state(mutation)).isEqualTo("applied");
    }

    private long messages(String mailbox) {
        return raw.select(mailbox).exists();
    }
}
