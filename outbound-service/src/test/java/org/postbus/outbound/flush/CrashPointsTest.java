package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDovecot;

/**
 * A process is halted at every point of a flush: before each command, and after the server has executed it. Another process takes over when
 * the claim has expired; then the first continues. The mutation has taken effect once and is in the right state.
 */
class CrashPointsTest {
    private static final String PASSWORD = "secret-of-the-test";
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final Set<String> ENDED = Set.of("applied", "rejected", "failed");
    /** More than any mutation needs. */
    private static final int COMMANDS_MAX = 20;

    private enum Server {
        DOVECOT(Set.of()),
        DOVECOT_WITHOUT_MOVE(Set.of("MOVE"));

        private final Set<String> hidden;

        Server(Set<String> hidden) {
            this.hidden = hidden;
        }

        String newUser(String name) {
            String user = name + "@example.com";
            DevStack.dovecot(hidden, Dovecot.User.of(user, PASSWORD));
            return user;
        }

        int imapPort() {
            return DevStack.dovecot(hidden).ports().imap();
        }
    }

    private enum Kind {
        KEYWORDS("{\"keywords\": {\"a\": true, \"$flagged\": null}}"),
        MOVE("{\"keywords\": {\"a\": true}, \"mailboxIds\": {\"INBOX\": null, \"ARCHIVE\": true}}"),
        COPY("{\"mailboxIds\": {\"ARCHIVE\": true}}"),
        /** Of a message without a Message-ID that differs from others by its INTERNALDATE only. */
        COPY_NAMELESS(COPY.patch),
        DESTROY("");

        private final String patch;

        Kind(String patch) {
            this.patch = patch;
        }
    }

    private OutboundProcess process;
    private MutationFlusher other;
    private HaltingProxy proxy;
    private RawImap raw;
    private Account account;
    private MailboxId inbox;
    private MailboxId archive;
    /** The INTERNALDATE of this round's message, and of no other. */
    private Instant received = Instant.parse("2026-01-02T03:04:05Z");

    @BeforeEach
    void open() {
        process = new OutboundProcess();
        // Each flush opens a connection of its own, as in another process.
        process.servers.close();
        other = process.mutationFlusher("two");
    }

    @AfterEach
    void close() throws SQLException {
        if (proxy != null) {
            proxy.close();
            raw.close();
        }
        process.close();
    }

    @ParameterizedTest
    @EnumSource
    void wherever_a_process_is_halted_the_mutation_takes_effect_once(Server server) {
        // Given
        TestDovecot.assumeInstalled();
        String user = server.newUser("crash-" + server.name().toLowerCase(Locale.ROOT));
        raw = RawImap.login("127.0.0.1", server.imapPort(), user, PASSWORD);
        if (raw.list().stream().noneMatch(mailbox -> mailbox.name().equals("Archive"))) {
            raw.create("Archive");
        }
        proxy = new HaltingProxy(server.imapPort());
        account = process.database.account(new AccountSettings.Imap(
                user, new ServerAddress("127.0.0.1", proxy.port(), TlsMode.NONE), Optional.empty()));
        process.password(account, new Secret(PASSWORD));
        inbox = process.database.mailbox(account, "name:INBOX", "INBOX");
        archive = process.database.mailbox(account, "name:Archive", "Archive");

        for (Kind kind : Kind.values()) {
            int points = 0;
            while (haltedAt(kind, points / 2 + 1, points % 2 == 0 ? Side.BEFORE : Side.AFTER)) {
                points++;
                assertThat(points).isLessThan(2 * COMMANDS_MAX);
            }
            assertThat(points).as("%s has points to be halted at", kind).isGreaterThanOrEqualTo(4);
        }
    }

    /** False if the flush ended before that point. */
    private boolean haltedAt(Kind kind, int command, Side where) {
        received = received.plusSeconds(1);
        Optional<String> messageId =
                kind == Kind.COPY_NAMELESS ? Optional.empty() : Optional.of("m" + System.nanoTime() + "@example.com");
        long uid = append(messageId);
        EmailId email = process.database.email(account, null, messageId.orElse(null));
        process.database.link(account, email, inbox, raw.select("INBOX").uidValidity(), uid);
        MutationId mutation = kind == Kind.DESTROY
                ? process.database.destroy(account, email)
                : process.database.mutation(
                        account,
                        email,
                        kind.patch
                                .replace("INBOX", inbox.value().toString())
                                .replace("ARCHIVE", archive.value().toString()));
        proxy.arm(command, where);

        // When
        Thread halting = Thread.startVirtualThread(() -> process.flusher.flush(account.tenant(), account.id()));
        await().atMost(WAIT).pollInterval(Duration.ofMillis(2)).until(() -> proxy.hasHalted() || !halting.isAlive());
        boolean halted = proxy.hasHalted();
        if (halted) {
            assertThat(process.database.state(mutation)).isEqualTo("sending");
            process.database.run("update pending_changes set claimed_until = now() - interval '1 second'");
            while (!ENDED.contains(process.database.state(mutation))) {
                other.flush(account.tenant(), account.id());
                process.database.makeDue();
                process.database.passEnds(account);
            }
        }

        // Then
        String point = kind + " halted " + where + " command " + command + " of " + proxy.commands();
        assertDone(kind, mutation, point);

        // When: it continues, and its outcomes are not stored.
        proxy.cut();
        await().atMost(WAIT).pollInterval(Duration.ofMillis(2)).until(() -> !halting.isAlive());

        // Then
        assertDone(kind, mutation, point + ", and continued");
        process.database.run("delete from pending_changes");
        return halted;
    }

    private void assertDone(Kind kind, MutationId mutation, String point) {
        TestDatabase.Row row = process.database.row(mutation);
        assertThat(row.state()).as("%s: %s", point, row).isEqualTo("applied");
        List<RawImap.Message> here = messages("INBOX");
        List<RawImap.Message> there = messages("Archive");
        switch (kind) {
            case KEYWORDS -> {
                assertThat(there).as(point).isEmpty();
                assertThat(here).as(point).hasSize(1);
                assertThat(flags(here.getFirst())).as(point).containsExactly("a");
            }
            case MOVE -> {
                assertThat(here).as(point).isEmpty();
                assertThat(there).as(point).hasSize(1);
                assertThat(flags(there.getFirst())).as(point).isEqualTo(Set.of("\\flagged", "a"));
            }
            case COPY, COPY_NAMELESS -> {
                assertThat(here).as(point).hasSize(1);
                assertThat(there).as(point).hasSize(1);
            }
            case DESTROY -> {
                assertThat(here).as(point).isEmpty();
                assertThat(there).as(point).isEmpty();
            }
        }
    }

    private long append(Optional<String> messageId) {
        byte[] message = (messageId.map(id -> "Message-ID: <" + id + ">\r\n").orElse("")
                        + "From: a@example.com\r\nSubject: test\r\n\r\nHello\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        return raw.append("INBOX", List.of("\\Flagged"), received, message).orElseThrow();
    }

    /** The messages of this round: COPY and MOVE keep the INTERNALDATE. */
    private List<RawImap.Message> messages(String mailbox) {
        return raw.select(mailbox).exists() == 0
                ? List.of()
                : raw.fetchAll().stream()
                        .filter(message -> message.internalDate().equals(received))
                        .toList();
    }

    private static Set<String> flags(RawImap.Message message) {
        return message.flags().stream()
                .map(flag -> flag.toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());
    }
}
