package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.smtp.ScriptedSmtpServer;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.network.IpNetwork;

/** IMAP and SMTP with hostile names. 127.0.0.1 is allowed; nothing may reach 127.0.0.2. */
class SocketEgressTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final String MAIL = "mail.test";
    private static final Credential PASSWORD = new Credential.Password(new Secret("secret"));
    private static final Transcript PREAUTH =
            Transcript.parse("preauth", "S: * PREAUTH [CAPABILITY IMAP4rev1] ready\n");

    private final ChangingNames names = new ChangingNames();
    private final EgressConnector egress =
            new EgressConnector(VERTX, TestEgress.anyPortOf("127.0.0.1,100::/64,192.0.2.0/24"), names);
    private final ImapClient imap = new ImapClient(egress, ImapOptions.DEFAULT);

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_name_that_becomes_private_is_refused_by_imap() {
        try (ScriptedImapServer server = ScriptedImapServer.playing(PREAUTH);
                PrivateListener listener = new PrivateListener(server.address().port())) {
            ServerAddress address = new ServerAddress(MAIL, server.address().port(), TlsMode.NONE);
            names.answer(MAIL, "127.0.0.1").answer(MAIL, PrivateListener.ADDRESS);

            get(open(address)).close();
            server.assertPlayed();
            assertThat(names.lookups()).as("one lookup for each connection").containsExactly(MAIL);

            assertThat(failure(open(address)).text()).endsWith(EgressRefusal.ADDRESS.text());
            listener.assertUntouched();
        }
    }

    @Test
    void a_name_that_becomes_private_is_refused_by_smtp() throws IOException {
        try (ScriptedSmtpServer server = new ScriptedSmtpServer();
                PrivateListener listener = new PrivateListener(server.address().port())) {
            ServerAddress address = new ServerAddress(MAIL, server.address().port(), TlsMode.NONE);
            names.answer(MAIL, "127.0.0.1").answer(MAIL, PrivateListener.ADDRESS);

            get(logIn(address));
            assertThat(names.lookups()).as("one lookup for each connection").containsExactly(MAIL);

            assertThat(failure(logIn(address))).isEqualTo(new ServerFailure.Unreachable(EgressRefusal.ADDRESS.text()));
            listener.assertUntouched();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.2", "2130706434", "0x7f.2", "127.2", "::ffff:127.0.0.2", "127.0.0.2.", MAIL})
    void no_spelling_leads_to_a_private_address(String host) {
        names.answer(MAIL, "127.0.0.1", PrivateListener.ADDRESS);
        try (PrivateListener listener = new PrivateListener()) {
            for (TlsMode tls : TlsMode.values()) {
                ServerAddress address = new ServerAddress(host, listener.port(), tls);

                failure(open(address));
                failure(logIn(address));
            }
            listener.assertUntouched();
        }
    }

    @Test
    void a_port_that_is_not_allowed_is_not_connected_to() {
        EgressConnector narrow = new EgressConnector(
                VERTX,
                new EgressPolicy(
                        IpNetwork.parseAll("127.0.0.0/8"),
                        PortRange.parseAll("993"),
                        EgressPolicy.PlainText.PRIVATE_NETWORKS,
                        Optional.empty()),
                names);
        try (PrivateListener listener = new PrivateListener()) {
            ServerAddress address = new ServerAddress(PrivateListener.ADDRESS, listener.port(), TlsMode.TLS);

            assertThat(failure(new ImapClient(narrow, ImapOptions.DEFAULT).open(address, "alice", PASSWORD))
                            .text())
                    .endsWith(EgressRefusal.PORT.text());
            listener.assertUntouched();
        }
    }

    @Test
    void nothing_is_sent_without_tls_unless_it_is_allowed() {
        EgressConnector encrypted = new EgressConnector(
                VERTX,
                new EgressPolicy(
                        IpNetwork.parseAll("127.0.0.0/8"),
                        PortRange.parseAll("1-65535"),
                        EgressPolicy.PlainText.REFUSED,
                        Optional.empty()),
                names);
        try (PrivateListener listener = new PrivateListener()) {
            ServerAddress address = new ServerAddress(PrivateListener.ADDRESS, listener.port(), TlsMode.NONE);

            assertThat(failure(new ImapClient(encrypted, ImapOptions.DEFAULT).open(address, "alice", PASSWORD))
                            .text())
                    .endsWith(EgressRefusal.PLAIN_TEXT.text());
            listener.assertUntouched();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"100::1", "192.0.2.1"})
    void an_address_that_leads_nowhere_costs_less_than_5_seconds(String dead) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(PREAUTH)) {
            names.answer(MAIL, dead, "127.0.0.1");

            ImapConnection connection = open(new ServerAddress(
                            MAIL, server.address().port(), TlsMode.NONE))
                    .await()
                    .atMost(Duration.ofSeconds(5));

            connection.close();
            server.assertPlayed();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TLS"})
    void tls_asks_for_the_name_although_the_address_is_pinned(TlsMode tls) throws Exception {
        names.answer("mail.example.test", "127.0.0.1");
        try (ServerSocket listening = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
            ServerAddress address = new ServerAddress("mail.example.test", listening.getLocalPort(), tls);
            for (Uni<?> use : List.of(open(address), logIn(address))) {
                CompletableFuture<String> hello = new CompletableFuture<>();
                Thread.ofVirtual().start(() -> {
                    try (Socket socket = listening.accept()) {
                        byte[] octets = new byte[4096];
                        int length = socket.getInputStream().read(octets);
                        hello.complete(new String(octets, 0, length, StandardCharsets.ISO_8859_1));
                    } catch (IOException e) {
                        hello.completeExceptionally(e);
                    }
                });

                failure(use);

                assertThat(hello.get(30, TimeUnit.SECONDS)).contains("mail.example.test");
            }
        }
    }

    @Test
    void names_that_are_not_answered_delay_no_other_name() {
        EgressConnector slow = new EgressConnector(
                VERTX,
                TestEgress.anyPortOf("127.0.0.1"),
                name -> name.startsWith("slow")
                        ? Promise.<List<InetAddress>>promise().future()
                        : Future.succeededFuture(List.of(TestEgress.address("127.0.0.1"))));
        ImapClient client = new ImapClient(slow, ImapOptions.DEFAULT);
        try (ScriptedImapServer server = ScriptedImapServer.playing(PREAUTH)) {
            int port = server.address().port();
            List<CompletableFuture<ImapConnection>> waiting = IntStream.range(0, 500)
                    .mapToObj(number -> client.open(
                                    new ServerAddress("slow" + number + ".test", port, TlsMode.NONE), "alice", PASSWORD)
                            .subscribeAsCompletionStage())
                    .toList();

            client.open(new ServerAddress(MAIL, port, TlsMode.NONE), "alice", PASSWORD)
                    .await()
                    .atMost(Duration.ofSeconds(4))
                    .close();

            for (CompletableFuture<ImapConnection> one : waiting) {
                assertThat(one)
                        .failsWithin(Duration.ofSeconds(15))
                        .withThrowableThat()
                        .havingRootCause()
                        .withMessageContaining("in time");
            }
        }
    }

    private Uni<ImapConnection> open(ServerAddress address) {
        return imap.open(address, "alice", PASSWORD);
    }

    private Uni<Void> logIn(ServerAddress address) {
        return Uni.createFrom().deferred(() -> {
            SmtpClient client = SmtpClient.of(egress, address, "alice", PASSWORD, Optional.empty());
            return client.logIn().onTermination().invoke(client::close);
        });
    }

    private static <T> T get(Uni<T> uni) {
        return uni.await().atMost(WAIT);
    }

    private static ServerFailure failure(Uni<?> uni) {
        ServerException caught = catchThrowableOfType(ServerException.class, () -> get(uni));
        assertThat(caught).as("it did not fail").isNotNull();
        return caught.failure();
    }
}
