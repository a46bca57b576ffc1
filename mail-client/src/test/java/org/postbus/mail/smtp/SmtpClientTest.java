package org.postbus.mail.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.StartTLSOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.TestCertificate;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.HostileImapServer;

class SmtpClientTest {
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final Credential PASSWORD = new Credential.Password(new Secret("s3cret"));
    private static final OutgoingMessage MESSAGE = OutgoingMessage.of("""
            From: Alice <alice@example.com>
            To: bob@example.com
            Bcc: secret@example.com
            Subject: a long subject that
             goes on in the next line
            Message-ID: <m1@example.com>

            First line =
            .a dot at the beginning
            .
            last""".getBytes(StandardCharsets.US_ASCII));

    private static Vertx vertx;
    private ScriptedSmtpServer server;
    private SmtpClient client;

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @BeforeEach
    void open() {
        server = new ScriptedSmtpServer();
        client = client(server.address(), PASSWORD);
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        server.close();
    }

    @Test
    void a_message_goes_out_octet_by_octet_without_bcc() {
        send("bob@example.com", "secret@example.com");

        assertThat(server.delivered()).singleElement().satisfies(delivered -> {
            assertThat(delivered.mailFrom()).isEqualTo("alice@example.com");
            assertThat(delivered.recipients()).containsExactly("bob@example.com", "secret@example.com");
            assertThat(delivered.content())
                    .isEqualTo(new String(MESSAGE.without("Bcc").octets(), StandardCharsets.US_ASCII) + "\r\n");
        });
    }

    @Test
    void a_connection_is_used_for_the_next_message_too() {
        send("bob@example.com");
        send("bob@example.com");

        assertThat(server.delivered()).hasSize(2);
        assertThat(server.commands())
                .filteredOn(line -> line.startsWith("EHLO"))
                .hasSize(1);
    }

    @Test
    void a_refused_message_keeps_the_servers_reply() {
        server.answer(ScriptedSmtpServer.END_OF_DATA, "554 5.7.1 looks like spam");

        assertThat(failureOf("bob@example.com"))
                .isEqualTo(new ServerFailure.Rejected("smtp-554", "554 5.7.1 looks like spam"));
    }

    @Test
    void the_only_recipient_is_refused() {
        server.answer("RCPT", "550 5.1.1 no such user");

        assertThat(failureOf("bob@example.com"))
                .isEqualTo(new ServerFailure.Rejected("smtp-550", "550 5.1.1 no such user"));
        assertThat(server.delivered()).isEmpty();
    }

    @Test
    void a_refused_recipient_does_not_affect_the_others() {
        server.answer("RCPT TO:<bad@", "550 5.1.1 no such user");

        SmtpClient.Delivery delivery = send("bad@example.com", "bob@example.com");

        assertThat(delivery.refused()).containsExactly(Map.entry("bad@example.com", "550 5.1.1 no such user"));
        assertThat(server.delivered())
                .singleElement()
                .satisfies(delivered -> assertThat(delivered.recipients()).containsExactly("bob@example.com"));
    }

    @Test
    void nothing_is_sent_when_all_recipients_are_refused() {
        server.answer("RCPT", "550 5.1.1 no such user");

        assertThat(failureOf("bad@example.com", "worse@example.com"))
                .isEqualTo(new ServerFailure.Rejected("smtp-550", "550 5.1.1 no such user"));
        assertThat(server.delivered()).isEmpty();
    }

    @Test
    void a_temporarily_refused_recipient_fails_the_whole_submission() {
        server.answer("RCPT TO:<bad@", "451 4.7.1 greylisted, come back later");

        assertThat(failureOf("bob@example.com", "bad@example.com"))
                .isEqualTo(new ServerFailure.Throttled("451 4.7.1 greylisted, come back later", Optional.empty()));
        assertThat(server.delivered()).isEmpty();
    }

    @Test
    void a_connection_lost_after_the_message_leaves_the_outcome_unknown() {
        server.answer(ScriptedSmtpServer.END_OF_DATA, ScriptedSmtpServer.CUT);

        assertThat(failureOf("bob@example.com")).isInstanceOf(ServerFailure.OutcomeUnknown.class);
        assertThat(server.delivered()).hasSize(1);
    }

    @Test
    void a_connection_lost_before_the_login_ends_is_no_attempt_to_send() {
        server.answer("AUTH", ScriptedSmtpServer.CUT);

        assertThat(failureOf("bob@example.com")).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void closed_port_is_unreachable() {
        client.close();
        client = client(new ServerAddress("127.0.0.1", 1, TlsMode.NONE), PASSWORD);

        assertThat(failureOf("bob@example.com")).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void a_refused_login_is_distinguished_from_other_refusals() {
        server.answer("AUTH", "535 5.7.8 bad credentials");

        assertThat(failureOf("bob@example.com"))
                .isInstanceOf(ServerFailure.AuthRejected.class)
                .extracting(ServerFailure::text)
                .asString()
                .contains("535 5.7.8 bad credentials")
                .doesNotContain("s3cret");
    }

    @Test
    void an_access_token_logs_in_by_xoauth2() {
        try (SmtpClient withToken = client(server.address(), new Credential.AccessToken(new Secret("t0ken")))) {
            withToken
                    .send("alice@example.com", List.of("bob@example.com"), MESSAGE)
                    .await()
                    .atMost(WAIT);
        }

        assertThat(server.commands())
                .anySatisfy(line -> assertThat(line)
                        .isEqualTo("AUTH XOAUTH2 "
                                + Base64.getEncoder()
                                        .encodeToString("user=alice\1auth=Bearer t0ken\1\1"
                                                .getBytes(StandardCharsets.US_ASCII))));
    }

    @Test
    void a_server_that_only_knows_login_is_logged_in_to() {
        server.offer("AUTH LOGIN");

        send("bob@example.com");

        assertThat(server.delivered()).hasSize(1);
    }

    @Test
    void checking_the_login_sends_nothing() {
        client.logIn().await().atMost(WAIT);

        assertThat(server.commands()).anyMatch(line -> line.startsWith("AUTH "));
        assertThat(server.commands()).noneMatch(line -> line.startsWith("MAIL"));
    }

    @Test
    void a_refused_login_check_fails_as_sending_does() {
        server.answer("AUTH", "535 5.7.8 bad credentials");

        assertThatThrownBy(() -> client.logIn().await().atMost(WAIT))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        refused -> assertThat(refused.failure()).isInstanceOf(ServerFailure.AuthRejected.class));
    }

    @Test
    void starttls_that_is_not_offered_ends_it_before_the_password_is_sent() {
        ServerAddress address =
                new ServerAddress(server.address().host(), server.address().port(), TlsMode.STARTTLS);
        try (SmtpClient encrypted = client(address, PASSWORD)) {
            assertThatThrownBy(() -> encrypted
                            .send("alice@example.com", List.of("bob@example.com"), MESSAGE)
                            .await()
                            .atMost(WAIT))
                    .isInstanceOf(ServerException.class);
        }

        assertThat(server.commands()).noneMatch(line -> line.startsWith("AUTH"));
        assertThat(server.delivered()).isEmpty();
    }

    @Test
    void tls_to_a_trusted_server_carries_the_message_and_the_reply() throws IOException {
        for (TlsMode tls : List.of(TlsMode.TLS, TlsMode.STARTTLS)) {
            try (ScriptedSmtpServer encrypted = new ScriptedSmtpServer(tls);
                    SmtpClient trusting = SmtpClient.of(
                            TestEgress.toThisMachine(vertx),
                            encrypted.address(),
                            "alice",
                            PASSWORD,
                            Optional.of(TestCertificate.forLocalhost().pem()))) {
                encrypted.answer("RCPT TO:<bad@", "550 5.1.1 no such user");

                SmtpClient.Delivery delivery = trusting.send(
                                "alice@example.com", List.of("bad@example.com", "bob@example.com"), MESSAGE)
                        .await()
                        .atMost(WAIT);

                assertThat(delivery.refused())
                        .as("%s", tls)
                        .containsExactly(Map.entry("bad@example.com", "550 5.1.1 no such user"));
                assertThat(encrypted.delivered()).as("%s", tls).hasSize(1);
                if (tls == TlsMode.STARTTLS) {
                    assertThat(encrypted.commands().indexOf("STARTTLS")).isBetween(0, firstLogin(encrypted.commands()));
                }
            }
        }
    }

    @Test
    void no_credential_is_sent_to_a_server_named_by_dns_alone() throws IOException {
        for (TlsMode tls : List.of(TlsMode.TLS, TlsMode.STARTTLS)) {
            try (ScriptedSmtpServer encrypted = new ScriptedSmtpServer(tls);
                    SmtpClient wary = client(encrypted.address(), PASSWORD)) {
                assertThatThrownBy(() -> wary.send("alice@example.com", List.of("bob@example.com"), MESSAGE)
                                .await()
                                .atMost(WAIT))
                        .as("%s", tls)
                        .isInstanceOfSatisfying(
                                ServerException.class,
                                lost -> assertThat(lost.failure()).isInstanceOf(ServerFailure.Unreachable.class));
                assertThat(encrypted.commands())
                        .as("%s", tls)
                        .noneMatch(line -> line.startsWith("AUTH") || line.startsWith("MAIL"));
                assertThat(encrypted.delivered()).as("%s", tls).isEmpty();
            }
        }
    }

    @Test
    void a_certificate_for_another_host_is_not_taken() throws IOException {
        EgressConnector misled = TestEgress.toThisMachine(vertx, Map.of("mail.example.com", List.of("127.0.0.1")));
        for (TlsMode tls : List.of(TlsMode.TLS, TlsMode.STARTTLS)) {
            try (ScriptedSmtpServer encrypted = new ScriptedSmtpServer(tls);
                    SmtpClient trusting = SmtpClient.of(
                            misled,
                            new ServerAddress(
                                    "mail.example.com", encrypted.address().port(), tls),
                            "alice",
                            PASSWORD,
                            Optional.of(TestCertificate.forLocalhost().pem()))) {
                assertThatThrownBy(() -> trusting.logIn().await().atMost(WAIT))
                        .as("%s", tls)
                        .isInstanceOfSatisfying(
                                ServerException.class,
                                lost -> assertThat(lost.failure()).isInstanceOf(ServerFailure.Unreachable.class));
                assertThat(encrypted.commands()).as("%s", tls).noneMatch(line -> line.startsWith("AUTH"));
            }
        }
    }

    private static int firstLogin(List<String> commands) {
        for (int i = 0; i < commands.size(); i++) {
            if (commands.get(i).startsWith("AUTH")) {
                return i;
            }
        }
        throw new AssertionError("no login: " + commands);
    }

    @Test
    void the_tls_mode_is_the_accounts_and_every_certificate_is_verified() {
        for (TlsMode tls : TlsMode.values()) {
            MailConfig config =
                    SmtpClient.config(new ServerAddress("h.example", 465, tls), "alice", PASSWORD, Optional.empty());

            assertThat(config.isTrustAll()).isFalse();
            assertThat(config.isSsl()).isEqualTo(tls == TlsMode.TLS);
            assertThat(config.getStarttls())
                    .isEqualTo(tls == TlsMode.STARTTLS ? StartTLSOptions.REQUIRED : StartTLSOptions.DISABLED);
        }
    }

    private SmtpClient.Delivery send(String... recipients) {
        return client.send("alice@example.com", List.of(recipients), MESSAGE)
                .await()
                .atMost(WAIT);
    }

    private ServerFailure failureOf(String... recipients) {
        try {
            send(recipients);
        } catch (ServerException e) {
            return e.failure();
        }
        throw new AssertionError("it was sent");
    }

    @Test
    void replies_without_an_end_are_not_read_to_their_end() {
        for (String endless : List.of("x", "\r\n250-and on")) {
            try (HostileImapServer hostile = HostileImapServer.that(victim -> {
                        victim.say("220 hello\r\n");
                        victim.hear();
                        victim.say("250-hostile").repeat(endless, Long.MAX_VALUE);
                    });
                    SmtpClient tried = client(hostile.address(TlsMode.NONE), PASSWORD)) {
                assertThatThrownBy(() -> tried.logIn().await().atMost(WAIT))
                        .isInstanceOfSatisfying(
                                ServerException.class,
                                e -> assertThat(e.failure()).isInstanceOf(ServerFailure.LimitExceeded.class));
            }
        }
    }

    @Test
    void the_outcome_is_unknown_if_the_reply_to_the_message_has_no_end() {
        server.answer(ScriptedSmtpServer.END_OF_DATA, "250 " + "x".repeat(100_000));

        assertThatThrownBy(() -> client.send("alice@example.com", List.of("bob@example.com"), MESSAGE)
                        .await()
                        .atMost(WAIT))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        e -> assertThat(e.failure()).isInstanceOf(ServerFailure.OutcomeUnknown.class));
        assertThat(server.delivered()).hasSize(1);
    }

    private static SmtpClient client(ServerAddress address, Credential credential) {
        return SmtpClient.of(TestEgress.toThisMachine(vertx), address, "alice", credential, Optional.empty());
    }
}
