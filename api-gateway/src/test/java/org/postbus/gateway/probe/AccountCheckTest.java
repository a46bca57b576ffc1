package org.postbus.gateway.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.smtp.ScriptedSmtpServer;

class AccountCheckTest {
    private static final Secret SECRET = new Secret("secret");
    private static final Duration SOON = AccountCheck.TIME_MAX.plusSeconds(10);

    private static final String LOGIN_SUCCEEDS = """
            S: * OK [CAPABILITY IMAP4rev1] ready
            C: A1 LOGIN alice secret
            S: A1 OK [CAPABILITY IMAP4rev1 IDLE] Logged in
            C: A2 LIST "" "*"
            S: * LIST () "/" INBOX
            S: A2 OK done
            C: A3 LSUB "" "*"
            S: A3 OK done
            C: A4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)
            S: * STATUS INBOX (MESSAGES 3 UIDNEXT 10 UIDVALIDITY 77 UNSEEN 1)
            S: A4 OK done
            C: A5 LOGOUT
            S: * BYE see you
            S: A5 OK done
            """;

    private static Vertx vertx;
    private static AccountCheck check;

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        check = new AccountCheck(TestEgress.toThisMachine(vertx));
    }

    @AfterAll
    static void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_successful_login_returns_the_capabilities() {
        // Given
        try (ScriptedImapServer server = playing(LOGIN_SUCCEEDS)) {
            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address());

            // Then
            server.assertPlayed();
            assertThat(outcome.ok()).isTrue();
            assertThat(outcome.capabilities()).containsExactly("IDLE", "IMAP4REV1");
            assertThat(outcome.reason()).isEmpty();
        }
    }

    @Test
    void a_refused_login_is_reported() {
        // Given
        try (ScriptedImapServer server = playing("""
                S: * OK [CAPABILITY IMAP4rev1] ready
                C: A1 LOGIN alice secret
                S: A1 NO [AUTHENTICATIONFAILED] Authentication failed.
                """)) {
            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address());

            // Then
            assertThat(outcome.ok()).isFalse();
            assertThat(outcome.failure()).contains("login-refused");
            assertThat(outcome.reason()).isPresent();
        }
    }

    @Test
    void a_silent_server_is_unreachable_after_ten_seconds() throws IOException {
        // Given
        try (ServerSocket silent = new ServerSocket(0)) {
            long begun = System.nanoTime();

            // When
            AccountCheck.Outcome outcome =
                    outcomeAt(new ServerAddress("127.0.0.1", silent.getLocalPort(), TlsMode.NONE));

            // Then
            assertThat(outcome.failure()).contains("unreachable");
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SOON);
        }
    }

    @Test
    void an_access_token_is_sent_and_its_refusal_is_reported() {
        // Given
        try (ScriptedImapServer server = playing("""
                S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN] ready
                C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==
                S: A1 NO [AUTHENTICATIONFAILED] Invalid credentials
                """)) {
            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address(), new Credential.AccessToken(SECRET));

            // Then
            server.assertPlayed();
            assertThat(outcome.failure()).contains("login-refused");
        }
    }

    @Test
    void the_smtp_server_is_checked_too() throws IOException {
        // Given
        try (ScriptedImapServer server = playing(LOGIN_SUCCEEDS);
                ScriptedSmtpServer smtp = new ScriptedSmtpServer()) {
            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address(), smtp.address());

            // Then
            assertThat(outcome.ok()).isTrue();
            assertThat(outcome.capabilities()).containsExactly("IDLE", "IMAP4REV1");
            assertThat(smtp.commands()).anyMatch(line -> line.startsWith("AUTH"));
            assertThat(smtp.commands()).noneMatch(line -> line.startsWith("MAIL"));
        }
    }

    @Test
    void a_refusal_of_the_smtp_server_is_marked() throws IOException {
        // Given
        try (ScriptedImapServer server = playing(LOGIN_SUCCEEDS);
                ScriptedSmtpServer smtp = new ScriptedSmtpServer()) {
            smtp.answer("AUTH", "535 5.7.8 bad credentials");

            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address(), smtp.address());

            // Then
            assertThat(outcome.ok()).isFalse();
            assertThat(outcome.failure()).contains("login-refused");
            assertThat(outcome.reason().orElseThrow())
                    .startsWith("SMTP: ")
                    .contains("535 5.7.8 bad credentials")
                    .doesNotContain("secret");
        }
    }

    @Test
    void a_missing_smtp_server_is_unreachable() throws IOException {
        // Given
        ScriptedSmtpServer smtp = new ScriptedSmtpServer();
        smtp.close();
        try (ScriptedImapServer server = playing(LOGIN_SUCCEEDS)) {
            // When
            AccountCheck.Outcome outcome = outcomeAt(server.address(), smtp.address());

            // Then
            assertThat(outcome.failure()).contains("unreachable");
            assertThat(outcome.reason().orElseThrow()).startsWith("SMTP: ");
        }
    }

    private static AccountCheck.Outcome outcomeAt(ServerAddress imap, ServerAddress smtp) {
        return check.check(new AccountSettings.Imap("alice", imap, Optional.of(smtp)), new Credential.Password(SECRET))
                .await()
                .atMost(SOON);
    }

    private static AccountCheck.Outcome outcomeAt(ServerAddress address) {
        return outcomeAt(address, new Credential.Password(SECRET));
    }

    private static AccountCheck.Outcome outcomeAt(ServerAddress address, Credential credential) {
        return check.check(new AccountSettings.Imap("alice", address, Optional.empty()), credential)
                .await()
                .atMost(SOON);
    }

    private static ScriptedImapServer playing(String transcript) {
        return ScriptedImapServer.playing(Transcript.parse("account check", transcript));
    }
}
