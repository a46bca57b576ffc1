package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class ConnectRaceTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);

    private final ContextInternal context = ((VertxInternal) VERTX).createEventLoopContext();
    private final List<Route> routes = Stream.of("100::1", "192.0.2.1", "192.0.2.2")
            .map(address ->
                    new Route(new PinnedAddress("mail.test", TestEgress.address(address), 993), Optional.empty()))
            .toList();
    private final List<Promise<NetSocket>> attempts = new CopyOnWriteArrayList<>();
    private final Promise<NetSocket> winner = context.promise();

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    private void race() {
        context.runOnContext(go -> new ConnectRace(
                        context,
                        routes,
                        route -> {
                            Promise<NetSocket> attempt = context.promise();
                            attempts.add(attempt);
                            return attempt.future();
                        },
                        winner)
                .start());
    }

    @Test
    void a_silent_address_does_not_keep_the_next_one_waiting() {
        race();

        await().atMost(WAIT).until(() -> attempts.size() == 3);
        assertThat(winner.future().isComplete()).isFalse();
    }

    @Test
    void a_refused_address_is_followed_by_the_next_at_once_and_the_most_telling_failure_is_reported() {
        race();
        await().atMost(WAIT).until(() -> !attempts.isEmpty());
        attempts.get(0).fail(new ConnectException("refused"));
        await().atMost(WAIT).until(() -> attempts.size() >= 2);
        attempts.get(1).fail(new SSLException("certificate"));
        await().atMost(WAIT).until(() -> attempts.size() == 3);
        attempts.get(2).fail(new ConnectException("refused"));

        await().atMost(WAIT).until(() -> winner.future().failed());
        assertThat(winner.future().cause()).isInstanceOf(SSLException.class);
    }

    @Test
    void the_first_connection_wins_and_a_later_one_is_closed() throws Exception {
        List<NetSocket> accepted = new CopyOnWriteArrayList<>();
        List<NetSocket> closed = new CopyOnWriteArrayList<>();
        NetServer server = VERTX.createNetServer().connectHandler(socket -> {
            accepted.add(socket);
            socket.closeHandler(end -> closed.add(socket));
        });
        int port = server.listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get()
                .actualPort();
        race();
        await().atMost(WAIT).until(() -> attempts.size() == 3);

        var client = VERTX.createNetClient();
        client.connect(port, "127.0.0.1").onComplete(attempts.get(1));
        await().atMost(WAIT).until(() -> winner.future().succeeded());
        client.connect(port, "127.0.0.1").onComplete(attempts.get(0));

        await().atMost(WAIT).until(() -> accepted.size() == 2 && closed.size() == 1);
        assertThat(closed).containsExactly(accepted.get(1));
        server.close();
    }
}
