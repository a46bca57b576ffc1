package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.Uni;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.sasl.SaslConversation;

/** Login mechanisms and their failures. */
class ImapLoginTest extends TranscriptPlayer {
    private static final Credential TOKEN = new Credential.AccessToken(new Secret("secret"));

    private static void logIn(String transcript, Credential credential) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.read(transcript))) {
            ImapConnection connection = await(client.open(server.address(), "alice", credential));
            connection.close();
            server.assertPlayed();
        }
    }

    private static ServerFailure refused(String transcript, Credential credential) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.read(transcript))) {
            ServerFailure failure = failureOf(() -> await(client.open(server.address(), "alice", credential)));
            server.assertPlayed();
            return failure;
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void scram_is_preferred_to_plain_and_the_server_proves_itself() {
        // RFC 7677 section 3; the nonce is fixed, because a transcript cannot predict it.
        play("rfc/scram-sha-256-preauth.txt", connection -> {
            await(connection.wire().authenticate(scram("SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO")));
            await(connection.noop());
        });
    }

    private static SaslConversation.Scram scram(String mechanism, String nonce) {
        return new SaslConversation.Scram(mechanism, "user", new Secret("pencil"), Optional.of(nonce));
    }

    @Test
    void scram_sha_1_says_what_rfc_5802_says() throws Exception {
        SaslConversation.Scram scram = scram("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL");

        assertThat(scram.initialResponse()).contains(ascii("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
        assertThat(scram.respond(ascii("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")))
                .isEqualTo(ascii("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="));
        assertThat(scram.proven()).isFalse();
        assertThat(scram.respond(ascii("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="))).isEmpty();
        assertThat(scram.proven()).isTrue();
    }

    @Test
    void server_that_does_not_know_the_password_is_not_believed() throws Exception {
        SaslConversation.Scram scram = scram("SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL");
        scram.initialResponse();
        scram.respond(ascii("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));

        assertThatThrownBy(() -> scram.respond(ascii("v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=")))
                .isInstanceOf(SaslConversation.SaslFailure.class);
        assertThat(scram.proven()).isFalse();
    }

    @Test
    void wrong_nonce_and_too_many_iterations_are_refused() {
        for (String first : List.of(
                "r=somebodyelse,s=QSXCR+Q6sek8bf92,i=4096",
                "r=abcdef,s=QSXCR+Q6sek8bf92,i=2000000000",
                "r=abcdef,s=QSXCR+Q6sek8bf92,i=-1",
                "",
                "nonsense",
                "e=other-error")) {
            SaslConversation.Scram scram = scram("SCRAM-SHA-256", "abc");
            scram.initialResponse();
            assertThatThrownBy(() -> scram.respond(ascii(first)))
                    .as(first)
                    .isInstanceOf(SaslConversation.SaslFailure.class)
                    .message()
                    .doesNotContain("pencil");
        }
    }

    @Test
    void ok_without_the_servers_signature_is_no_login() {
        play("rfc/scram-without-proof.txt", connection -> {
            assertThat(failureOf(() ->
                            await(connection.wire().authenticate(scram("SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO")))))
                    .isEqualTo(new ServerFailure.Unreachable("the server did not prove that it knows the password"));
            assertThat(failureOf(() ->
                            await(connection.wire().authenticate(scram("SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO")))))
                    .as("cancelled with * after a challenge that makes no sense")
                    .isInstanceOf(ServerFailure.Unreachable.class);
        });
    }

    @Test
    void mechanism_that_is_offered_and_not_understood_is_skipped() {
        logIn("rfc/scram-refused-then-plain.txt", SECRET);
        logIn("domino/auth-login.txt", SECRET);
    }

    @Test
    void refused_token_is_explained_by_the_servers_challenge() {
        assertThat(refused("gmail/xoauth2-refused.txt", TOKEN))
                .isEqualTo(new ServerFailure.AuthRejected(
                        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure) (400)"));
        play("rfc/oauthbearer-refused.txt", connection -> {
            ServerAddress server = new ServerAddress("imap.example.com", 993, TlsMode.TLS);
            assertThat(failureOf(() -> await(connection
                            .wire()
                            .authenticate(new SaslConversation.OauthBearer(server, "a=l,ice", new Secret("secret"))))))
                    .isEqualTo(new ServerFailure.AuthRejected(
                            "NO [AUTHENTICATIONFAILED] Authentication failed. (invalid_token)"));
        });
    }

    @Test
    void token_waits_for_a_server_that_takes_no_initial_response() {
        logIn("exchange/xoauth2-without-initial-response.txt", TOKEN);
    }

    @Test
    void token_is_not_sent_as_a_password() {
        assertThat(refused("rfc/no-login-with-token.txt", TOKEN))
                .isEqualTo(new ServerFailure.AuthRejected("the server offers no login with an access token"));
    }

    @Test
    void the_credential_waits_for_its_permit_on_an_open_connection() {
        Transcript plain = Transcript.parse(
                "plain",
                "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\n"
                        + "C: A1 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\n"
                        + "S: A1 OK [CAPABILITY IMAP4rev1] in\n");
        CompletableFuture<Void> permit = new CompletableFuture<>();
        try (ScriptedImapServer server = ScriptedImapServer.playing(plain)) {
            CompletableFuture<ImapConnection> opened = client.open(
                            server.address(), "alice", SECRET, Uni.createFrom().completionStage(permit))
                    .subscribeAsCompletionStage();
            assertThatThrownBy(() -> opened.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);

            permit.complete(null);
            opened.orTimeout(10, TimeUnit.SECONDS).join().close();
            server.assertPlayed();
        }
    }

    @Test
    void login_without_end_fails() {
        ImapClient hasty = new ImapClient(
                TestEgress.toThisMachine(vertx), ImapOptions.DEFAULT.withLoginTimeout(Duration.ofMillis(300)));
        Transcript silent = Transcript.parse(
                "silent",
                "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\n"
                        + "C: A1 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\n");
        try (ScriptedImapServer server = ScriptedImapServer.playing(silent)) {
            assertThat(failureOf(() -> await(hasty.open(server.address(), "alice", SECRET))))
                    .isEqualTo(new ServerFailure.Unreachable("the login was not done after 300 ms"));
            server.assertPlayed();
        }
        await(hasty.close());
    }
}
