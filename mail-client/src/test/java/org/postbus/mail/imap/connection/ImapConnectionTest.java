package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;

/** Behaviour that transcripts cannot show: back-pressure, silence, limits, cancellation. */
class ImapConnectionTest {
    private static final String SELECTED = """
            S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE MOVE] ready
            C: A1 SELECT INBOX
            S: * 3 EXISTS
            S: A1 OK done
            """;
    private static final List<UidRange> ALL = List.of(new UidRange(1, UidSet.UID_MAX));
    private static final Duration SILENCE_MAX = Duration.ofSeconds(1);
    private static Vertx vertx;
    private static ImapClient client;
    private static ImapClient impatient;

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        ImapOptions limits = ImapOptions.DEFAULT
                .withSilenceMax(Duration.ofSeconds(10))
                .withLineOctetsMax(4096)
                .withLiteralOctetsMax(4096)
                .withFetchedLiteralOctetsMax(2 << 20)
                .withNestingMax(8)
                .withResponsesMax(5);
        client = new ImapClient(TestEgress.toThisMachine(vertx), limits);
        impatient = new ImapClient(TestEgress.toThisMachine(vertx), limits.withSilenceMax(SILENCE_MAX));
    }

    @AfterAll
    static void stop() {
        await(client.close());
        await(impatient.close());
        await(Uni.createFrom().completionStage(vertx.close().toCompletionStage()));
    }

    private static <T> T await(Uni<T> uni) {
        return uni.await().atMost(Duration.ofSeconds(10));
    }

    private static ImapConnection open(ImapClient client, ServerAddress address) {
        return await(client.open(address, "alice", new Credential.Password(new Secret("secret"))));
    }

    interface Conversation {
        void with(ImapConnection connection) throws Exception;
    }

    private static void inbox(String rest, Conversation conversation) {
        inbox(client, rest, conversation);
    }

    private static void inbox(ImapClient client, String rest, Conversation conversation) {
        try (ScriptedImapServer server = ScriptedImapServer.playing(Transcript.parse("inbox", SELECTED + rest))) {
            ImapConnection connection = open(client, server.address());
            await(connection.select(MailboxName.INBOX, false));
            conversation.with(connection);
            connection.close();
            server.assertPlayed();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static void assertFails(Uni<?> uni, Class<? extends ServerFailure> failure, String text) {
        assertThatThrownBy(() -> await(uni))
                .isInstanceOfSatisfying(
                        ServerException.class,
                        error -> assertThat(error.failure()).isInstanceOf(failure))
                .hasMessageContaining(text);
    }

    @Test
    void socket_is_read_only_as_fast_as_messages_are_requested() throws Exception {
        int messages = 300;
        byte[] body = "x".repeat(1 << 18).getBytes(StandardCharsets.US_ASCII);
        AtomicLong sent = new AtomicLong();
        try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread server = Thread.ofVirtual().start(() -> {
                try (Socket socket = listening.accept()) {
                    OutputStream out = socket.getOutputStream();
                    out.write(ascii("* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n"));
                    socket.getInputStream().readNBytes(17);
                    out.write(ascii("* 300 EXISTS\r\nA1 OK done\r\n"));
                    socket.getInputStream().readNBytes("A2 UID FETCH 1:* (UID BODY.PEEK[])\r\n".length());
                    for (int uid = 1; uid <= messages; uid++) {
                        out.write(ascii("* " + uid + " FETCH (UID " + uid + " BODY[] {" + body.length + "}\r\n"));
                        out.write(body);
                        out.write(ascii(")\r\n"));
                        sent.incrementAndGet();
                    }
                    out.write(ascii("A2 OK done\r\n"));
                    socket.getInputStream().read();
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            ImapConnection connection =
                    open(impatient, new ServerAddress("localhost", listening.getLocalPort(), TlsMode.NONE));
            await(connection.select(MailboxName.INBOX, false));

            AssertSubscriber<FetchedMessage> reader = connection
                    .uidFetch(ALL, FetchItems.of(FetchItems.body(32 << 20)))
                    .subscribe()
                    .withSubscriber(AssertSubscriber.create(2));
            reader.awaitItems(2, Duration.ofSeconds(10));
            assertThatThrownBy(() -> reader.awaitItems(3, SILENCE_MAX)).isInstanceOf(AssertionError.class);
            long whenFull = sent.get();
            // Also longer than the silence limit: a subscriber that requests nothing does not make the server silent.
            assertThatThrownBy(() -> reader.awaitItems(3, SILENCE_MAX.multipliedBy(2)))
                    .isInstanceOf(AssertionError.class);

            assertThat(sent.get())
                    .as("no more than the buffers of two sockets hold")
                    .isEqualTo(whenFull)
                    .isLessThan(messages);
            reader.request(Long.MAX_VALUE);
            reader.awaitCompletion(Duration.ofSeconds(20));
            assertThat(reader.getItems())
                    .hasSize(messages)
                    .extracting(FetchedMessage::uid)
                    .isSorted();
            connection.close();
            server.join(10_000);
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void cancelled_reader_leaves_the_connection_usable() {
        inbox("""
                C: A2 UID FETCH 1:* (UID FLAGS)
                S: * 1 FETCH (UID 1 FLAGS ())
                S: * 2 FETCH (UID 2 FLAGS ())
                S: * 3 FETCH (UID 3 FLAGS ())
                S: A2 OK done
                C: A3 NOOP
                S: A3 OK done
                """, connection -> {
            assertThat(await(connection
                            .uidFetch(ALL, FetchItems.of(FetchItems.FLAGS))
                            .select()
                            .first(1)
                            .collect()
                            .asList()))
                    .hasSize(1);
            await(connection.noop());
        });
    }

    @Test
    void silent_server_is_disconnected() {
        inbox(impatient, "C: A2 NOOP\n", connection -> {
            assertFails(connection.noop(), ServerFailure.Unreachable.class, "silent");
            await(connection.closed());
        });
    }

    @Test
    void silence_while_idling_is_no_failure_but_silence_after_done_is() {
        inbox(impatient, """
                C: A2 IDLE
                S: + idling
                C: DONE
                S: A2 OK done
                C: A3 IDLE
                S: + idling
                C: DONE
                """, connection -> {
            assertThat(await(connection.watch(SILENCE_MAX.multipliedBy(2)))).isEqualTo(WatchOutcome.TIME_UP);
            assertFails(connection.watch(Duration.ofMillis(50)), ServerFailure.Unreachable.class, "silent");
        });
    }

    @Test
    void silence_after_a_change_was_sent_leaves_it_in_doubt() {
        inbox(
                impatient,
                "C: A2 UID MOVE 1 Trash\n",
                connection -> assertFails(
                        connection.uidMove(List.of(new UidRange(1, 1)), new MailboxName("Trash")),
                        ServerFailure.OutcomeUnknown.class,
                        "silent"));
    }

    @Test
    void cancelled_idle_is_ended_on_the_server() {
        inbox("""
                C: A2 IDLE
                S: + idling
                C: DONE
                S: A2 OK done
                C: A3 NOOP
                S: A3 OK done
                """, connection -> {
            assertThatThrownBy(() ->
                            connection.watch(Duration.ofMinutes(5)).await().atMost(Duration.ofMillis(300)))
                    .isInstanceOf(io.smallrye.mutiny.TimeoutException.class);
            await(connection.noop());
        });
    }

    @Test
    void limits_end_the_connection() {
        for (String excess : List.of(
                "* LIST () \"/\" {4097}",
                "* OK " + "x".repeat(5000),
                "* SEARCH 1\r\n".repeat(5 + 4 * 3 + 1).strip())) {
            inbox(
                    "C: A2 UID SEARCH ALL\n"
                            + excess.lines().map(line -> "S: " + line + "\n").reduce("", String::concat),
                    connection -> assertFails(
                            connection.uidSearchAll(), ServerFailure.LimitExceeded.class, "exceeded a limit"));
        }
    }

    @Test
    void answer_to_nothing_ends_the_connection() {
        inbox(
                "C: A2 NOOP\nS: A3 OK done\n",
                connection -> assertFails(connection.noop(), ServerFailure.Unreachable.class, "not sent"));
    }

    @Test
    void argument_that_cannot_be_sent_fails_alone() {
        inbox("C: A2 NOOP\nS: A2 OK done\n", connection -> {
            assertThatThrownBy(() -> await(
                            connection.uidStore(ALL, StoreMode.ADD, Set.of(new ImapFlag("a b")), OptionalLong.empty())))
                    .isInstanceOf(IllegalArgumentException.class);
            await(connection.noop());
        });
    }

    @Test
    void long_set_is_fetched_in_several_commands() {
        StringBuilder first = new StringBuilder();
        StringBuilder second = new StringBuilder();
        List<UidRange> uids = new ArrayList<>();
        for (long uid = 1_000_000_001L; uid < 1_000_002_000L; uid += 2) {
            uids.add(new UidRange(uid, uid));
            StringBuilder set = first.length() + 11 > UidSet.COMMAND_OCTETS_MAX ? second : first;
            set.append(set.isEmpty() ? "" : ",").append(uid);
        }
        inbox(
                "C: A2 UID FETCH " + first + " (UID FLAGS)\nS: * 1 FETCH (UID 1000000001 FLAGS ())\nS: A2 OK done\n"
                        + "C: A3 UID FETCH " + second
                        + " (UID FLAGS)\nS: * 2 FETCH (UID 1000001999 FLAGS ())\nS: A3 OK done\n",
                connection -> assertThat(await(connection
                                .uidFetch(uids, FetchItems.of(FetchItems.FLAGS))
                                .collect()
                                .asList()))
                        .extracting(FetchedMessage::uid)
                        .containsExactly(1000000001L, 1000001999L));
    }

    @Test
    void logout_ends_the_connection_without_failing() {
        inbox("C: A2 LOGOUT\nS: * BYE see you\nS: A2 OK done\n", connection -> {
            await(connection.logout());
            await(connection.closed());
            await(connection.logout());
        });
    }

    @Test
    void closed_port_is_unreachable() {
        ServerAddress closedPort = new ServerAddress("localhost", 1, TlsMode.NONE);
        assertFails(
                client.open(closedPort, "a", new Credential.Password(new Secret("b"))),
                ServerFailure.Unreachable.class,
                "cannot connect");
    }

    @Test
    void bye_as_a_greeting_is_reported() {
        Transcript full = Transcript.parse("full", "S: * BYE Too many connections from your host\nX: close\n");
        try (ScriptedImapServer server = ScriptedImapServer.playing(full)) {
            assertFails(
                    client.open(server.address(), "a", new Credential.Password(new Secret("b"))),
                    ServerFailure.Throttled.class,
                    "Too many");
            server.assertPlayed();
        }
    }
}
