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
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.smtp.SmtpClient;

/** What a failure says before a server has shown that it speaks the protocol: our words, and nothing that the server sent. */
class PeerTextTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final Credential PASSWORD = new Credential.Password(new Secret("secret"));
    private static final String TLS_ALERT = "\u0015\u0003\u0003\u0000\u0002\u0002\u0028";
    private static final EgressConnector EGRESS =
            TestEgress.toThisMachine(VERTX, Map.of("localhost", List.of("127.0.0.1")));
    private static final ImapClient IMAP =
            new ImapClient(EGRESS, ImapOptions.DEFAULT.withSilenceMax(Duration.ofSeconds(1)));

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "none | HTTP/1.1 400 INTERNAL\\r\\n\\r\\n       | the server speaks another protocol",
                "none | SSH-2.0-INTERNAL\\r\\n                  | the server speaks another protocol",
                "none | +OK INTERNAL POP3\\r\\n                 | the server speaks another protocol",
                "none | -ERR INTERNAL\\r\\n                     | the server speaks another protocol",
                "none | \\0\\0\\0\\0INTERNAL\\r\\n              | the server speaks another protocol",
                "none | TLS                                     | the server speaks TLS on a port that is configured without TLS",
                "none | ''                                      | the connection was closed before the greeting",
                "tls  | HTTP/1.1 400 INTERNAL\\r\\n\\r\\n       | the server does not speak TLS on this port",
                "tls  | * OK INTERNAL\\r\\n                     | the server does not speak TLS on this port",
                "tls  | 220 INTERNAL\\r\\n                      | the server does not speak TLS on this port",
                "tls  | ''                                      | the server closed the connection during the TLS handshake",
            })
    void another_server_is_described_in_our_words(String tls, String says, String words) {
        try (RawServer server = new RawServer(octets(says))) {
            ServerAddress address = server.address(TlsMode.of(tls));

            assertThat(failure(imap(address)).text()).contains(words).doesNotContain("INTERNAL");
            assertThat(failure(smtp(address)).text()).contains(words).doesNotContain("INTERNAL");
        }
    }

    @Test
    void the_greetings_of_imap_and_smtp_are_not_mistaken_for_each_other() {
        try (RawServer smtp = new RawServer(octets("220 INTERNAL\\r\\n"));
                RawServer imap = new RawServer(octets("* OK INTERNAL\\r\\n"))) {
            assertThat(failure(imap(smtp.address(TlsMode.NONE))).text())
                    .contains("another protocol (not IMAP)")
                    .doesNotContain("INTERNAL");
            assertThat(failure(smtp(imap.address(TlsMode.NONE))).text())
                    .contains("another protocol (not SMTP)")
                    .doesNotContain("INTERNAL");
        }
    }

    @Test
    void a_server_that_refuses_the_connection_delays_and_its_text_is_shown_only_if_it_greets() {
        try (RawServer bye = new RawServer(octets("* BYE come back later\\r\\n"));
                RawServer no = new RawServer(octets("* NO INTERNAL\\r\\n"));
                RawServer refusing = new RawServer(octets("554 INTERNAL\\r\\n"))) {
            assertThat(failure(imap(bye.address(TlsMode.NONE))).text()).contains("come back later");
            assertThat(failure(imap(no.address(TlsMode.NONE))).text()).doesNotContain("INTERNAL");
            assertThat(failure(smtp(refusing.address(TlsMode.NONE))))
                    .isEqualTo(new ServerFailure.Unreachable("the server refuses the connection (SMTP 554)"));
        }
    }

    @Test
    void a_closed_port_and_one_that_nobody_answers_have_one_text() throws IOException {
        int closed;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = free.getLocalPort();
        }
        ServerAddress address = new ServerAddress("localhost", closed, TlsMode.NONE);

        assertThat(failure(imap(address)).text()).endsWith("the host can not be reached on this port");
        assertThat(failure(smtp(address)).text()).isEqualTo("the host can not be reached on this port");
        assertThat(failure(jmap("http://localhost:" + closed + "/")).text())
                .isEqualTo("localhost: the host can not be reached on this port");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SSH-2.0-INTERNAL\\r\\n                                          | another protocol",
                "TLS                                                             | another protocol",
                "''                                                              | closed",
                "HTTP/1.1 500 INTERNAL\\r\\nContent-Length: 8\\r\\n\\r\\nINTERNAL | HTTP 500",
                "HTTP/1.1 200 OK\\r\\nContent-Length: 8\\r\\n\\r\\nINTERNAL       | something else where JSON is expected",
                "HTTP/1.1 302 X\\r\\nLocation: gopher://INTERNAL/\\r\\nContent-Length: 0\\r\\n\\r\\n | not an http or https address",
                "HTTP/1.1 302 X\\r\\nLocation: http://INTERNAL/\\r\\nContent-Length: 0\\r\\n\\r\\n | not allowed or can not be reached",
                "HTTP/1.1 400 X\\r\\nContent-Type: application/problem+json\\r\\nContent-Length: 42\\r\\n\\r\\n{\"type\":\"about:blank\",\"detail\":\"INTERNAL\"} | HTTP 400",
            })
    void before_a_session_only_the_status_is_shown(String says, String words) {
        try (RawServer server = new RawServer(octets(says))) {
            String url = "http://localhost:" + server.address(TlsMode.NONE).port() + "/session";

            assertThat(failure(jmap(url)).text()).contains(words).doesNotContainIgnoringCase("INTERNAL");
        }
    }

    private static byte[] octets(String says) {
        return says.replace("TLS", TLS_ALERT)
                .replace("\\r", "\r")
                .replace("\\n", "\n")
                .replace("\\0", "\0")
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Says the same to everyone, and closes the connection. */
    private record RawServer(ServerSocket listening) implements AutoCloseable {
        RawServer(byte[] says) {
            this(listen());
            Thread.ofVirtual().start(() -> {
                while (!listening.isClosed()) {
                    try (Socket socket = listening.accept()) {
                        socket.setSoTimeout(500);
                        socket.getOutputStream().write(says);
                        socket.shutdownOutput();
                        // So that closing does not reset the connection before the client has read.
                        socket.getInputStream().readAllBytes();
                    } catch (IOException gone) {
                        // The next client.
                    }
                }
            });
        }

        private static ServerSocket listen() {
            try {
                return new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        ServerAddress address(TlsMode tls) {
            return new ServerAddress("localhost", listening.getLocalPort(), tls);
        }

        @Override
        public void close() {
            try {
                listening.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    private static Uni<?> imap(ServerAddress address) {
        return IMAP.open(address, "alice", PASSWORD);
    }

    private static Uni<?> smtp(ServerAddress address) {
        SmtpClient client = SmtpClient.of(EGRESS, address, "alice", PASSWORD, Optional.empty());
        return client.logIn().onTermination().invoke(client::close);
    }

    private static Uni<?> jmap(String url) {
        return JmapClient.open(
                EGRESS, new AccountSettings.Jmap("alice", URI.create(url)), PASSWORD, JmapOptions.DEFAULTS);
    }

    private static ServerFailure failure(Uni<?> uni) {
        ServerException caught =
                catchThrowableOfType(ServerException.class, () -> uni.await().atMost(WAIT));
        assertThat(caught).as("it did not fail").isNotNull();
        return caught.failure();
    }
}
