package org.postbus.mail.jmap.push;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.smallrye.mutiny.subscription.Cancellable;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;

class JmapEventSourceTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final Duration LONG = Duration.ofMinutes(5);

    private final List<JmapPush> received = new CopyOnWriteArrayList<>();
    private final AtomicReference<ServerFailure> failure = new AtomicReference<>();
    private FakeJmapServer server;
    private JmapClient client;

    @BeforeEach
    void start() {
        server = FakeJmapServer.start(VERTX);
        connect();
    }

    private void connect() {
        client = JmapClient.open(
                        TestEgress.toThisMachine(VERTX),
                        new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()),
                        new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                        JmapOptions.DEFAULTS)
                .await()
                .atMost(WAIT);
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
        assertThat(server.complaints()).isEmpty();
    }

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void changes_are_delivered_after_the_stream_is_open() {
        Cancellable stream = listen(LONG);
        await().atMost(WAIT).until(() -> received.size() == 1);

        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");

        await().atMost(WAIT).until(() -> received.size() == 2);
        assertThat(received)
                .containsExactly(
                        new JmapPush.Opened(),
                        new JmapPush.StateChange(Map.of(FakeJmapServer.ACCOUNT, Map.of("Email", "2"))));
        stream.cancel();
        await().atMost(WAIT).until(() -> server.listeners() == 0);
        assertThat(failure.get()).isNull();
    }

    @Test
    void a_reopened_stream_sends_the_id_of_the_last_event() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.listeners() == 1);
        server.push("id: 41\ndata: {}\n\nid: 42\nevent: ping\ndata: {}\n\n");
        server.closeStreams();
        await().atMost(WAIT).until(() -> failure.get() != null);
        List<String> sent = new CopyOnWriteArrayList<>();
        server.next("/events", request -> {
            sent.add(String.valueOf(request.getHeader("Last-Event-ID")));
            request.response().setStatusCode(503).end();
        });

        listen(LONG);

        await().atMost(WAIT).until(() -> !sent.isEmpty());
        assertThat(sent).containsExactly("42");
    }

    @Test
    void silence_of_more_than_two_and_a_half_pings_ends_it() {
        listen(Duration.ofMillis(200));

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.Unreachable.class);
        assertThat(failure.get().text()).contains("nothing received for 500 ms");
        await().atMost(WAIT).until(() -> server.listeners() == 0);
    }

    @Test
    void pings_keep_it_open_and_set_their_own_interval() {
        Cancellable stream = listen(Duration.ofMillis(200));
        await().atMost(WAIT).until(() -> received.size() == 1);

        server.push("event: ping\ndata: {\"interval\":300}\n\n");
        await().during(Duration.ofMillis(800)).atMost(WAIT).until(() -> failure.get() == null);

        assertThat(received).hasSize(1);
        stream.cancel();
    }

    @Test
    void end_of_the_stream_is_a_failure() {
        listen(LONG);
        await().atMost(WAIT).until(() -> received.size() == 1);

        server.closeStreams();

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void nonsense_is_a_failure() {
        listen(LONG);
        await().atMost(WAIT).until(() -> received.size() == 1);

        server.push("data: <html>\n\n");

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void server_without_an_event_source_says_so_in_several_ways() {
        for (int status : List.of(204, 501)) {
            failure.set(null);
            server.next(
                    "/events",
                    request -> request.response().setStatusCode(status).end());
            listen(LONG);
            await().atMost(WAIT).until(() -> failure.get() != null);
            assertNotOffered();
        }
        server.session(session -> session.remove("eventSourceUrl"));
        client.close();
        connect();
        failure.set(null);
        listen(LONG);
        assertNotOffered();
    }

    @Test
    void retry_after_of_an_overloaded_server_is_obeyed() {
        server.next(
                "/events",
                request -> request.response()
                        .setStatusCode(429)
                        .putHeader("Retry-After", "60")
                        .end());

        listen(LONG);

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get())
                .isInstanceOfSatisfying(
                        ServerFailure.Throttled.class,
                        throttled -> assertThat(throttled.retryAfter()).contains(Duration.ofMinutes(1)));
    }

    private void assertNotOffered() {
        assertThat(failure.get())
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo(JmapPush.NOT_OFFERED));
    }

    private Cancellable listen(Duration ping) {
        return JmapEventSource.open(client, List.of("Email", "Mailbox"), ping)
                .subscribe()
                .with(received::add, failed -> failure.set(((ServerException) failed).failure()));
    }
}
