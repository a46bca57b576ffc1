package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/** Two fetchers: the accounts that one leaves are synced by the other. Prints how long new mail of any account takes to be stored. */
class HandoverIT {
    /** So many that both fetchers have some. */
    private static final int ACCOUNTS = 10;
    /** That of the consumer group: what takes longer was not handed over but timed out. */
    private static final Duration SESSION_TIMEOUT = Duration.ofSeconds(10);

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Path DIRECTORY = Path.of("target", "handover").toAbsolutePath();
    private static final List<James.User> USERS = IntStream.range(0, ACCOUNTS)
            .mapToObj(i -> James.User.of("moved" + i, "secret"))
            .toList();
    private static LocalPostbus postbus;

    @BeforeAll
    static void start() {
        Directories.delete(DIRECTORY);
        postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.temporary(DIRECTORY, USERS).fetchers(2), System.out::println);
        postbus.start();
        PostbusApi api = new PostbusApi(postbus.api(), postbus.apiKey().text());
        List<AccountId> accounts = USERS.stream()
                .map(user -> api.addImapAccount(postbus.james(), user))
                .toList();
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(accounts)
                        .allMatch(account -> api.get("accounts/" + account)
                                .expect(200)
                                .get("sync")
                                .get("state")
                                .asText()
                                .equals("idle")));
    }

    @AfterAll
    static void stop() {
        postbus.close();
    }

    @Test
    void a_planned_stop_hands_the_accounts_over_at_once_and_a_crash_after_the_session_timeout() throws Exception {
        System.out.printf("new mail, undisturbed: %.1f s%n", secondsUntilNewMailIsStored());

        Thread stopping = Thread.ofVirtual().start(() -> postbus.services().stop("fetcher-1"));
        double stopped = secondsUntilNewMailIsStored();
        stopping.join();
        System.out.printf("new mail after SIGTERM of one of two fetchers: %.1f s%n", stopped);

        postbus.services().restart("fetcher-1");
        double returned = secondsUntilNewMailIsStored();
        System.out.printf("new mail after it returned: %.1f s%n", returned);

        postbus.services().kill("fetcher-1");
        double killed = secondsUntilNewMailIsStored();
        System.out.printf("new mail after SIGKILL: %.1f s%n", killed);

        assertThat(stopped).isLessThan(SESSION_TIMEOUT.toSeconds());
    }

    /** New mail arrives in all accounts. */
    private static double secondsUntilNewMailIsStored() {
        String subject = UUID.randomUUID().toString();
        long began = System.nanoTime();
        for (James.User user : USERS) {
            try (RawImap imap = RawImap.login(
                    James.HOST,
                    postbus.james().ports().imap(),
                    user.address(),
                    user.password().reveal())) {
                imap.append(
                        "INBOX",
                        List.of(),
                        Instant.parse("2026-01-01T00:00:00Z"),
                        ("Subject: " + subject + "\r\n\r\ntext\r\n").getBytes(StandardCharsets.US_ASCII));
            }
        }
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(50)).until(() -> stored(subject) == ACCOUNTS);
        return Duration.ofNanos(System.nanoTime() - began).toMillis() / 1000.0;
    }

    private static int stored(String subject) throws SQLException {
        try (Connection connection = postbus.postgres().database().connectAsAdmin();
                PreparedStatement count = connection.prepareStatement("select count(*) from email where subject = ?")) {
            count.setString(1, subject);
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }
}
