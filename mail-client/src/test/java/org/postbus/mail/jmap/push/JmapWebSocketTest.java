package org.postbus.mail.jmap.push;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.mutiny.subscription.Cancellable;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.WebSocketFrame;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;

class JmapWebSocketTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(60);
    private static final Duration LONG = Duration.ofMinutes(5);

    private final List<JmapPush> received = new CopyOnWriteArrayList<>();
    private final AtomicReference<ServerFailure> failure = new AtomicReference<>();
    private FakeJmapServer server;
    private JmapClient client;

    @BeforeEach
    void start() {
        server = FakeJmapServer.start(VERTX);
        server.offerWebSocket();
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
    void changes_are_delivered_after_push_is_enabled() {
        Cancellable socket = listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);

        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");

        await().atMost(WAIT).until(() -> received.size() == 2);
        assertThat(received)
                .containsExactly(
                        new JmapPush.Opened(),
                        new JmapPush.StateChange(Map.of(FakeJmapServer.ACCOUNT, Map.of("Email", "2"))));
        socket.cancel();
        await().atMost(WAIT).until(() -> server.webSockets() == 0);
        assertThat(failure.get()).isNull();
    }

    @Test
    void a_server_that_answers_pings_is_alive() {
        Cancellable socket = listen(Duration.ofSeconds(1));
        await().atMost(WAIT).until(() -> received.size() == 1);

        await().during(Duration.ofSeconds(3)).atMost(WAIT).until(() -> failure.get() == null);

        socket.cancel();
    }

    @Test
    void the_end_of_the_connection_is_a_failure() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);

        server.closeStreams();

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void a_reopened_web_socket_sends_the_last_push_state() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);
        server.pushMessage("{\"@type\":\"StateChange\",\"changed\":{\"A1\":{\"Email\":\"7\"}},\"pushState\":\"p1\"}");
        // The next message is delivered only after the one before it has been taken.
        server.pushMessage("{\"@type\":\"StateChange\",\"changed\":{\"A1\":{\"Email\":\"8\"}}}");
        await().atMost(WAIT).until(() -> received.size() == 3);
        server.closeStreams();
        await().atMost(WAIT).until(() -> failure.get() != null && server.webSockets() == 0);

        listen(LONG);

        await().atMost(WAIT).until(() -> server.enabled().size() == 2);
        assertThat(server.enabled().getFirst()).doesNotContain("pushState");
        assertThat(server.enabled().getLast()).contains("\"pushState\":\"p1\"");
    }

    @Test
    void nonsense_is_a_failure() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);

        server.pushMessage("<html>");

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void a_message_without_an_end_is_not_read_to_its_end() {
        server.next(
                "/ws",
                request -> request.toWebSocket().onSuccess(socket -> {
                    socket.exceptionHandler(closed -> {});
                    socket.writeFrame(WebSocketFrame.textFrame("{", false));
                    Buffer much = Buffer.buffer("x".repeat(60_000));
                    for (int i = 0; i < 50; i++) {
                        socket.writeFrame(WebSocketFrame.continuationFrame(much, false));
                    }
                }));
        listen(LONG);

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.LimitExceeded.class);
    }

    @Test
    void a_frame_of_a_megabyte_is_not_read() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);

        server.pushMessage("{\"x\":\"" + "x".repeat(1_000_000) + "\"}");

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertThat(failure.get()).isInstanceOf(ServerFailure.LimitExceeded.class);
    }

    @Test
    void a_server_that_refuses_push_over_a_web_socket_does_not_offer_it() {
        listen(LONG);
        await().atMost(WAIT).until(() -> server.webSockets() == 1);

        server.pushMessage("{\"@type\":\"RequestError\",\"type\":\"urn:ietf:params:jmap:error:notRequest\"}");

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertNotOffered();
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 501})
    void a_server_without_a_web_socket_at_its_address_does_not_offer_push(int status) {
        server.next("/ws", request -> request.response().setStatusCode(status).end());

        listen(LONG);

        await().atMost(WAIT).until(() -> failure.get() != null);
        assertNotOffered();
    }

    @Test
    void a_session_without_a_web_socket_for_push_does_not_offer_it() {
        server.session(session ->
                ((ObjectNode) session.path("capabilities").path(JmapSession.WEBSOCKET)).put("supportsPush", false));
        client.close();
        connect();

        listen(LONG);

        assertNotOffered();
    }

    private void assertNotOffered() {
        assertThat(failure.get())
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo(JmapPush.NOT_OFFERED));
    }

    private Cancellable listen(Duration ping) {
        return JmapWebSocket.open(client, List.of("Email", "Mailbox"), ping)
                .subscribe()
                .with(received::add, failed -> failure.set(((ServerException) failed).failure()));
    }
}
