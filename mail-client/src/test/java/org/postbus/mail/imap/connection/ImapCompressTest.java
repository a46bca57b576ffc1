package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.connection.ImapOptions.Compression;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;

/** COMPRESS=DEFLATE against a server made of the JDK's own streams. */
class ImapCompressTest extends TranscriptPlayer {
    private static ImapClient compressing;

    @BeforeAll
    static void makeClient() {
        compressing = new ImapClient(
                TestEgress.toThisMachine(vertx),
                ImapOptions.DEFAULT.withSilenceMax(Duration.ofSeconds(5)).withCompression(Compression.ALWAYS));
    }

    @AfterAll
    static void closeClient() {
        await(compressing.close());
    }

    interface Server {
        void talk(InputStream in, OutputStream out) throws IOException;
    }

    private static void withServer(Server afterCompress, Conversation conversation) {
        try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread server = Thread.ofVirtual().start(() -> {
                try (Socket socket = listening.accept()) {
                    socket.getOutputStream()
                            .write(ascii("* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready\r\n"));
                    socket.getInputStream().readNBytes("A1 COMPRESS DEFLATE\r\n".length());
                    socket.getOutputStream().write(ascii("A1 OK DEFLATE active\r\n"));
                    InputStream in = new InflaterInputStream(socket.getInputStream(), new Inflater(true));
                    OutputStream out = new DeflaterOutputStream(
                            socket.getOutputStream(), new Deflater(Deflater.BEST_SPEED, true), 8192, true);
                    in.readNBytes("A2 SELECT INBOX\r\n".length());
                    out.write(ascii("* 4 EXISTS\r\nA2 OK done\r\n"));
                    out.flush();
                    afterCompress.talk(in, out);
                    out.flush();
                    in.read();
                } catch (IOException e) {
                    // The client closes the connection when a limit is exceeded.
                    assertThat(e).isNotNull();
                }
            });
            ImapConnection connection =
                    openBulk(compressing, new ServerAddress("localhost", listening.getLocalPort(), TlsMode.NONE));
            await(connection.select(MailboxName.INBOX, false));
            conversation.with(connection);
            connection.close();
            server.join(10_000);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static ImapConnection openBulk(ImapClient client, ServerAddress address) {
        ImapConnection connection = await(client.open(address, "alice", SECRET));
        if (client.compressionPays(connection, address)) {
            await(connection.compress());
        }
        return connection;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void mail_arrives_as_it_was_sent() {
        byte[] random = new byte[3_000_000];
        new Random(1).nextBytes(random);
        withServer(
                (in, out) -> {
                    in.readNBytes("A3 UID FETCH 1:* (UID BODY.PEEK[])\r\n".length());
                    for (int uid = 1; uid <= 3; uid++) {
                        out.write(ascii("* " + uid + " FETCH (UID " + uid + " BODY[] {" + random.length + "}\r\n"));
                        out.write(random);
                        out.write(ascii(")\r\n"));
                    }
                    // 20 MB of one octet: valid mail, which a check of the ratio alone would reject.
                    out.write(ascii("* 4 FETCH (UID 4 BODY[] {20000000}\r\n"));
                    out.write(new byte[20_000_000]);
                    out.write(ascii(")\r\nA3 OK done\r\n"));
                },
                connection -> {
                    List<Integer> sizes = await(connection
                            .uidFetch(
                                    List.of(new UidRange(1, UidSet.UID_MAX)), FetchItems.of(FetchItems.body(32 << 20)))
                            .map(message -> {
                                byte[] body = message.body().orElseThrow();
                                if (message.uid() < 4) {
                                    assertThat(body).isEqualTo(random);
                                }
                                return body.length;
                            })
                            .collect()
                            .asList());
                    assertThat(sizes).containsExactly(3_000_000, 3_000_000, 3_000_000, 20_000_000);
                });
    }

    @Test
    void bomb_is_distinguished_from_mail_and_takes_no_memory() {
        AtomicLong sent = new AtomicLong();
        withServer(
                (in, out) -> {
                    in.readNBytes("A3 UID FETCH 1 (UID BODY.PEEK[])\r\n".length());
                    out.write(ascii("* 1 FETCH (UID 1 BODY[] {500000000}\r\n"));
                    byte[] zeros = new byte[1_000_000];
                    for (int i = 0; i < 500; i++) {
                        out.write(zeros);
                        sent.addAndGet(zeros.length);
                    }
                    out.write(ascii(")\r\nA3 OK done\r\n"));
                },
                connection -> assertThat(failureOf(() -> await(connection
                                .uidFetchSection(1, Section.message())
                                .onItem()
                                .ignoreAsUni())))
                        .isInstanceOfSatisfying(
                                ServerFailure.LimitExceeded.class,
                                failure -> assertThat(failure.text()).contains("compressed octets became")));
    }

    @Test
    void slow_reader_applies_back_pressure_to_compressed_input() {
        withServer(
                (in, out) -> {
                    in.readNBytes("A3 UID FETCH 1 (UID BODY.PEEK[])\r\n".length());
                    out.write(ascii("* 1 FETCH (UID 1 BODY[] {50000000}\r\n"));
                    out.write(new byte[50_000_000]);
                    out.write(ascii(")\r\nA3 OK done\r\n"));
                },
                connection -> {
                    AssertSubscriber<io.vertx.core.buffer.Buffer> reader = connection
                            .uidFetchSection(1, Section.message())
                            .subscribe()
                            .withSubscriber(AssertSubscriber.create(3));
                    reader.awaitItems(3, Duration.ofSeconds(10));
                    assertThatThrownBy(() -> reader.awaitItems(4, Duration.ofMillis(300)))
                            .isInstanceOf(AssertionError.class);
                    reader.request(Long.MAX_VALUE);
                    reader.awaitCompletion(Duration.ofSeconds(10));
                    assertThat(reader.getItems().stream()
                                    .mapToLong(io.vertx.core.buffer.Buffer::length)
                                    .sum())
                            .isEqualTo(50_000_000);
                });
    }

    @Test
    void uncompressed_data_after_compress_ends_the_connection() {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.parse("garbage", """
                S: * PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready
                C: A1 COMPRESS DEFLATE
                S: A1 OK active
                S: * BYE this is no deflate stream
                """))) {
            assertThatThrownBy(() -> {
                        ImapConnection connection = openBulk(compressing, server.address());
                        await(connection.noop());
                    })
                    .hasMessageContaining("not compressed as it should be");
        }
    }

    @Test
    void refused_compression_is_not_used_and_loopback_does_not_request_it() {
        try (ScriptedImapServer server =
                ScriptedImapServer.playing(Transcript.parse("refused", """
                        S: * PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready
                        C: A1 COMPRESS DEFLATE
                        S: A1 NO [COMPRESSIONACTIVE] TLS does that
                        C: A2 NOOP
                        S: A2 OK done
                        """), Transcript.parse("loopback", """
                        S: * PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] ready
                        C: A1 NOOP
                        S: A1 OK done
                        """))) {
            for (ImapClient one : List.of(compressing, client)) {
                ImapConnection connection = openBulk(one, server.address());
                await(connection.noop());
                connection.close();
            }
            server.assertPlayed();
        }
    }
}
