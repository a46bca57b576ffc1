package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.ScriptedImapServer;
import org.postbus.mail.imap.fake.Transcript;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;

/** A client to which each transcript is played twice, the second time octet by octet. */
abstract class TranscriptPlayer {
    static final List<UidRange> ALL = List.of(new UidRange(1, UidSet.UID_MAX));
    static final Credential SECRET = new Credential.Password(new Secret("secret"));
    static Vertx vertx;
    static ImapClient client;

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        client = new ImapClient(
                TestEgress.toThisMachine(vertx), ImapOptions.DEFAULT.withSilenceMax(Duration.ofSeconds(5)));
    }

    @AfterAll
    static void stop() {
        await(client.close());
        await(Uni.createFrom().completionStage(vertx.close().toCompletionStage()));
    }

    interface Conversation {
        void with(ImapConnection connection);
    }

    static void play(String transcript, Conversation conversation) {
        for (boolean drip : new boolean[] {false, true}) {
            Transcript script = Transcript.read(transcript);
            try (ScriptedImapServer server =
                    drip ? ScriptedImapServer.dripping(script) : ScriptedImapServer.playing(script)) {
                ImapConnection connection = await(client.open(server.address(), "alice", SECRET));
                try {
                    conversation.with(connection);
                } catch (RuntimeException e) {
                    server.complaints().forEach(complaint -> e.addSuppressed(new AssertionError(complaint)));
                    throw e;
                } finally {
                    connection.close();
                }
                server.assertPlayed();
            }
        }
    }

    static <T> T await(Uni<T> uni) {
        return uni.await().atMost(Duration.ofSeconds(10));
    }

    static List<FetchedMessage> fetch(ImapConnection connection, List<UidRange> uids, FetchItems items) {
        return await(connection.uidFetch(uids, items).collect().asList());
    }

    static ServerFailure failureOf(ThrowingCallable call) {
        ServerFailure[] failure = new ServerFailure[1];
        assertThatThrownBy(call).isInstanceOfSatisfying(ServerException.class, error -> failure[0] = error.failure());
        return failure[0];
    }

    static List<UidRange> uid(long... uids) {
        return java.util.Arrays.stream(uids)
                .mapToObj(uid -> new UidRange(uid, uid))
                .toList();
    }

    static String ascii(Optional<byte[]> octets) {
        return new String(octets.orElseThrow(), StandardCharsets.US_ASCII);
    }
}
