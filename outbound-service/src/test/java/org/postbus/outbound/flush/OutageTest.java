package org.postbus.outbound.flush;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
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
import org.postbus.outbound.fixture.OutageProxy;
import org.postbus.outbound.fixture.OutageProxy.Mode;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.fixture.TestDovecot;

/**
 * Dovecot is away. Time is scaled: the test reads from the database how long the queue waits, makes all rows that much older, and lets it try
 * again. No mutation is used up, and when Dovecot is back, each has taken effect.
 */
class OutageTest {
    private static final String PASSWORD = "secret-of-the-test";
    private static final int EMAILS = 20;

    private OutboundProcess process;
    private OutageProxy proxy;
    private RawImap raw;
    private Account account;

    @BeforeEach
    void open() {
        TestDovecot.assumeInstalled();
        String user = "outage" + System.nanoTime() + "@example.com";
        DevStack.dovecot(Set.of(), Dovecot.User.of(user, PASSWORD));
        int port = DevStack.dovecot(Set.of()).ports().imap();
        raw = RawImap.login("127.0.0.1", port, user, PASSWORD);
        raw.create("Archive");
        proxy = new OutageProxy(port);
        process = new OutboundProcess();
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

    /** Tries: at most one every five minutes, and enough of them that the queue goes on soon after the server is back. */
    @ParameterizedTest
    @CsvSource({"CLOSING, 10, 6, 9", "BYE, 60, 14, 19", "NO_LOGIN, 60, 14, 19", "CLOSING, 4000, 800, 820"})
    void no_mutation_fails_while_the_server_is_away(Mode mode, int minutes, int triesMin, int triesMax) {
        // Given mutations, the first of them in the middle of the work
        MailboxId inbox = process.database.mailbox(account, "name:INBOX", "INBOX");
        MailboxId archive = process.database.mailbox(account, "name:Archive", "Archive");
        List<EmailId> emails = new ArrayList<>();
        for (int i = 0; i < EMAILS; i++) {
            long uid = append(i);
            emails.add(process.database.email(account, null, messageId(i)));
            process.database.link(
                    account, emails.get(i), inbox, raw.select("INBOX").uidValidity(), uid);
        }
        List<MutationId> mutations = new ArrayList<>();
        for (int i = 0; i < EMAILS; i++) {
            mutations.add(process.database.mutation(account, emails.get(i), "{\"keywords\": {\"$seen\": true}}"));
            if (i % 2 == 0) {
                mutations.add(process.database.mutation(
                        account,
                        emails.get(i),
                        "{\"mailboxIds\": {\"" + inbox.value() + "\": null, \"" + archive.value() + "\": true}}"));
            }
        }

        // When
        proxy.become(mode);
        double seconds = 0;
        while (seconds < minutes * 60.0) {
            process.flush(account);
            double wait = (Double)
                    process.database.hold(account, "mutations").orElseThrow().get("wait");
            process.database.age(account, Duration.ofMillis((long) (wait * 1_000)));
            process.database.makeDue();
            seconds += wait;
        }

        // Then
        assertThat(proxy.refused()).isBetween(triesMin, triesMax);
        assertThat(mutations)
                .extracting(process.database::row)
                .allSatisfy(row -> assertThat(row.state()).isEqualTo("queued"))
                .allSatisfy(row -> assertThat(row.attempts()).isZero());

        // When
        proxy.become(Mode.PASSING);
        process.database.makeDue();
        process.flush(account);

        // Then
        assertThat(mutations).extracting(process.database::state).containsOnly("applied");
        assertThat(process.database.hold(account, "mutations")).isEmpty();
        assertThat(process.database.changes(account)).as("none has failed").isEmpty();
        Map<String, Set<String>> inInbox = flags("INBOX");
        Map<String, Set<String>> inArchive = flags("Archive");
        assertThat(inInbox).hasSize(EMAILS / 2);
        assertThat(inArchive).hasSize(EMAILS / 2);
        assertThat(inInbox.values()).allSatisfy(flags -> assertThat(flags).contains("\\seen"));
        assertThat(inArchive.values()).allSatisfy(flags -> assertThat(flags).contains("\\seen"));
    }

    private long append(int number) {
        return raw.append(
                        "INBOX",
                        List.of(),
                        Instant.parse("2026-01-02T03:04:05Z"),
                        ("Message-ID: <" + messageId(number) + ">\r\nFrom: a@example.com\r\n\r\nHello\r\n")
                                .getBytes(StandardCharsets.US_ASCII))
                .orElseThrow();
    }

    private static String messageId(int number) {
        return "outage" + number + "@example.com";
    }

    private Map<String, Set<String>> flags(String mailbox) {
        raw.select(mailbox);
        return raw.fetchAll().stream()
                .collect(Collectors.toMap(
                        message -> message.messageId().orElseThrow(),
                        message -> message.flags().stream()
                                .map(flag -> flag.toLowerCase(Locale.ROOT))
                                .collect(Collectors.toSet())));
    }
}
