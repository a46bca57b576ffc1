package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.TestCertificate;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.smtp.ScriptedSmtpServer;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.network.IpNetwork;

/** Connections to public addresses by a proxy, which leads them to a server of the test. */
class EgressProxyTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final String PUBLIC = "8.8.8.8";
    private static final Credential PASSWORD = new Credential.Password(new Secret("secret"));
    private static final Transcript WITH_TLS =
            Transcript.parse("tls", "X: tls\nS: * PREAUTH [CAPABILITY IMAP4rev1] ready\n");
    private static final ImapOptions TRUSTING = ImapOptions.DEFAULT.withTrustedCertificates(
            TestCertificate.forLocalhost().pem());

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    /** Its certificate is for {@code localhost}, so that is the name of a public address here. */
    private static EgressConnector by(EgressProxy proxy, String networks) {
        ChangingNames names = new ChangingNames()
                .answer("localhost", PUBLIC)
                .answer("other.test", PUBLIC)
                .answer("mail.example.test", PUBLIC)
                .answer("private.test", "127.0.0.1");
        return new EgressConnector(
                VERTX,
                new EgressPolicy(
                        IpNetwork.parseAll(networks),
                        PortRange.parseAll("1-65535"),
                        EgressPolicy.PlainText.PRIVATE_NETWORKS,
                        Optional.of(new EgressProxy(proxy.kind(), "127.0.0.1", proxy.port(), proxy.login()))),
                names);
    }

    @ParameterizedTest
    @EnumSource
    void imap_with_tls_goes_by_the_proxy_which_is_given_the_address_and_the_certificate_is_verified_by_the_name(
            EgressProxy.Kind kind) {
        try (ScriptedImapServer server = ScriptedImapServer.playingWithTls(
                        TestCertificate.forLocalhost().server(), WITH_TLS, WITH_TLS);
                RecordingProxy proxy = new RecordingProxy(kind, server.address().port())) {
            ImapClient client = new ImapClient(by(proxy.settings(Optional.empty()), ""), TRUSTING);

            get(client.open(new ServerAddress("localhost", 993, TlsMode.TLS), "alice", PASSWORD))
                    .close();
            assertThat(proxy.asked()).containsExactly(PUBLIC + ":993");

            ServerException otherName = catchThrowableOfType(
                    ServerException.class,
                    () -> get(client.open(new ServerAddress("other.test", 993, TlsMode.TLS), "alice", PASSWORD)));
            assertThat(otherName.failure().text()).contains("certificate is not for this host");
            assertThat(proxy.logins()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void starttls_behind_the_proxy_is_verified_by_the_name(EgressProxy.Kind kind) {
        try (ScriptedImapServer server = ScriptedImapServer.playingWithTls(
                        TestCertificate.forLocalhost().server(), Transcript.read("rfc/starttls.txt"));
                RecordingProxy proxy = new RecordingProxy(kind, server.address().port())) {
            ImapClient client = new ImapClient(by(proxy.settings(Optional.empty()), ""), TRUSTING);

            ImapConnection connection =
                    get(client.open(new ServerAddress("localhost", 143, TlsMode.STARTTLS), "alice", PASSWORD));

            assertThat(proxy.asked()).containsExactly(PUBLIC + ":143");
            connection.close();
            server.assertPlayed();
        }
    }

    @ParameterizedTest
    @EnumSource
    void smtp_goes_by_the_proxy_with_its_login(EgressProxy.Kind kind) throws IOException {
        for (TlsMode tls : List.of(TlsMode.TLS, TlsMode.STARTTLS)) {
            try (ScriptedSmtpServer server = new ScriptedSmtpServer(tls);
                    RecordingProxy proxy =
                            new RecordingProxy(kind, server.address().port());
                    SmtpClient client = SmtpClient.of(
                            by(
                                    proxy.settings(Optional.of(new EgressProxy.Login(
                                            RecordingProxy.USERNAME, new Secret(RecordingProxy.PASSWORD)))),
                                    ""),
                            new ServerAddress("localhost", 465, tls),
                            "alice",
                            PASSWORD,
                            Optional.of(TestCertificate.forLocalhost().pem()))) {
                get(client.logIn());

                assertThat(proxy.asked()).as("%s", tls).containsExactly(PUBLIC + ":465");
                assertThat(proxy.logins()).containsExactly(RecordingProxy.USERNAME + ":" + RecordingProxy.PASSWORD);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void https_goes_by_the_proxy_and_tls_asks_for_the_name(EgressProxy.Kind kind) throws Exception {
        CompletableFuture<String> hello = new CompletableFuture<>();
        try (ServerSocket listening = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
                RecordingProxy proxy = new RecordingProxy(kind, listening.getLocalPort())) {
            Thread.ofVirtual().start(() -> {
                try (Socket socket = listening.accept()) {
                    byte[] octets = new byte[4096];
                    int length = socket.getInputStream().read(octets);
                    hello.complete(new String(octets, 0, length, StandardCharsets.ISO_8859_1));
                } catch (IOException e) {
                    hello.completeExceptionally(e);
                }
            });

            catchThrowableOfType(
                    ServerException.class,
                    () -> get(JmapClient.open(
                            by(proxy.settings(Optional.empty()), ""),
                            new AccountSettings.Jmap("alice", URI.create("https://mail.example.test/session")),
                            PASSWORD,
                            JmapOptions.DEFAULTS)));

            assertThat(hello.get(30, TimeUnit.SECONDS)).contains("mail.example.test");
            assertThat(proxy.asked()).containsExactly(PUBLIC + ":443");
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_allowed_private_address_is_connected_to_directly(EgressProxy.Kind kind) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(
                        Transcript.parse("preauth", "S: * PREAUTH [CAPABILITY IMAP4rev1] ready\n"));
                RecordingProxy proxy = new RecordingProxy(kind, 1)) {
            ImapClient client = new ImapClient(by(proxy.settings(Optional.empty()), "127.0.0.1"), ImapOptions.DEFAULT);

            get(client.open(
                            new ServerAddress("private.test", server.address().port(), TlsMode.NONE),
                            "alice",
                            PASSWORD))
                    .close();

            assertThat(proxy.asked()).isEmpty();
        }
    }

    @Test
    void nothing_goes_by_the_proxy_without_tls() {
        try (RecordingProxy proxy = new RecordingProxy(EgressProxy.Kind.HTTP_CONNECT, 1)) {
            EgressConnector egress = by(proxy.settings(Optional.empty()), "");

            ServerException imap = catchThrowableOfType(
                    ServerException.class,
                    () -> get(new ImapClient(egress, ImapOptions.DEFAULT)
                            .open(new ServerAddress("localhost", 143, TlsMode.NONE), "alice", PASSWORD)));
            ServerException jmap = catchThrowableOfType(
                    ServerException.class,
                    () -> get(JmapClient.open(
                            egress,
                            new AccountSettings.Jmap("alice", URI.create("http://localhost/session")),
                            PASSWORD,
                            JmapOptions.DEFAULTS)));

            assertThat(imap.failure().text()).endsWith(EgressRefusal.PLAIN_TEXT_TO_PUBLIC.text());
            assertThat(jmap.failure().text()).endsWith(EgressRefusal.PLAIN_TEXT_TO_PUBLIC.text());
            assertThat(proxy.asked()).isEmpty();
        }
    }

    private static <T> T get(Uni<T> uni) {
        return uni.await().atMost(WAIT);
    }
}
