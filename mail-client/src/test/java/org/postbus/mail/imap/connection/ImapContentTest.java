package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.session.MailboxChange;

/** Streaming the content of one message. */
class ImapContentTest extends TranscriptPlayer {

    private static byte[] content(ImapConnection connection, long uid, Section section) {
        Buffer all = Buffer.buffer();
        await(connection.uidFetchSection(uid, section).collect().asList()).forEach(all::appendBuffer);
        return all.getBytes();
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void content_is_delivered_octet_by_octet_in_every_form() {
        play("rfc/fetch-section.txt", connection -> {
            await(connection.select(MailboxName.INBOX, false));

            assertThat(content(connection, 7, Section.part("1.2"))).isEqualTo(latin1("A2 OK done\r\n{5"));
            assertThat(connection.takeChanges()).contains(new MailboxChange.Exists(10));
            assertThat(content(connection, 7, Section.decoded("1"))).isEqualTo(latin1("\0\r\n\u00ff"));
            assertThat(content(connection, 7, Section.message().first(5))).isEqualTo(latin1("a\"b"));
            assertThat(content(connection, 7, Section.header(""))).isEmpty();
            assertThat(failureOf(() -> content(connection, 7, Section.header("3"))))
                    .isInstanceOfSatisfying(
                            ServerFailure.Rejected.class,
                            rejected -> assertThat(rejected.code()).isEqualTo("NONEXISTENT"));
            assertThat(failureOf(() -> content(connection, 8, Section.part("1"))))
                    .isInstanceOf(ServerFailure.Rejected.class);
            assertThat(failureOf(() -> content(connection, 7, Section.decoded("2"))))
                    .isEqualTo(new ServerFailure.Rejected("UNKNOWN-CTE", "NO [UNKNOWN-CTE] cannot decode it"));
            assertThat(failureOf(() -> content(connection, 7, Section.part("1"))))
                    .isInstanceOf(ServerFailure.Unreachable.class);
        });
    }

    @Test
    void part_specifier_is_checked_before_it_is_sent() {
        for (String bad : new String[] {"0", "1.", ".1", "1..2", "TEXT", "1]\r\n", "1.2 ", "1234567"}) {
            assertThatThrownBy(() -> Section.part(bad)).as(bad).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Section.part("1").first(0)).isInstanceOf(IllegalArgumentException.class);
    }

    /** 96 MB, with a subscriber that pauses now and then. The tests of this module run in a heap of 192 MB. */
    @Test
    void large_content_is_never_held_whole_and_the_server_waits_for_the_reader() throws Exception {
        int size = 96 << 20;
        AtomicLong sent = new AtomicLong();
        try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread server = Thread.ofVirtual().start(() -> serve(listening, size, sent));
            ImapConnection connection = await(client.open(
                    new ServerAddress("localhost", listening.getLocalPort(), TlsMode.NONE), "alice", SECRET));
            await(connection.select(MailboxName.INBOX, false));

            AssertSubscriber<Buffer> reader = connection
                    .uidFetchSection(1, Section.message())
                    .subscribe()
                    .withSubscriber(AssertSubscriber.create(1));
            reader.awaitItems(1, Duration.ofSeconds(10));
            org.awaitility.Awaitility.await().during(Duration.ofMillis(500)).until(() -> sent.get() < size / 2);
            reader.cancel();
            await(connection.noop());

            long[] got = {0};
            int[] largest = {0};
            await(connection
                    .uidFetchSection(1, Section.message())
                    .onItem()
                    .invoke(chunk -> {
                        got[0] += chunk.length();
                        largest[0] = Math.max(largest[0], chunk.length());
                    })
                    .onItem()
                    .ignoreAsUni());
            assertThat(got[0]).isEqualTo(size);
            assertThat(largest[0]).isLessThanOrEqualTo(256 * 1024);
            connection.close();
            server.join(10_000);
        }
    }

    private static void serve(ServerSocket listening, int size, AtomicLong sent) {
        try (Socket socket = listening.accept()) {
            OutputStream out = socket.getOutputStream();
            out.write(latin1("* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n"));
            socket.getInputStream().readNBytes("A1 SELECT INBOX\r\n".length());
            out.write(latin1("* 1 EXISTS\r\nA1 OK done\r\n"));
            byte[] chunk = new byte[1 << 16];
            for (String tag : new String[] {"A2", "A4"}) {
                socket.getInputStream().readNBytes((tag + " UID FETCH 1 (UID BODY.PEEK[])\r\n").length());
                out.write(latin1("* 1 FETCH (UID 1 BODY[] {" + size + "}\r\n"));
                for (int i = 0; i < size / chunk.length; i++) {
                    out.write(chunk);
                    sent.addAndGet(chunk.length);
                }
                out.write(latin1(")\r\n" + tag + " OK done\r\n"));
                if (tag.equals("A2")) {
                    socket.getInputStream().readNBytes("A3 NOOP\r\n".length());
                    out.write(latin1("A3 OK done\r\n"));
                }
            }
            socket.getInputStream().read();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
