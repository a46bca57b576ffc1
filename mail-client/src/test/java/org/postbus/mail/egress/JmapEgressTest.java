package org.postbus.mail.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.push.JmapEventSource;
import org.postbus.mail.jmap.push.JmapPush;
import org.postbus.mail.jmap.push.JmapWebSocket;

/** A hostile JMAP server and a hostile name server. 127.0.0.1 is allowed; nothing may reach 127.0.0.2. */
class JmapEgressTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final String MAIL = "mail.test";
    private static final String SUB_DOMAIN = "private.mail.test";
    private static final long BYTES_MAX = 1 << 20;

    private final ChangingNames names = new ChangingNames();
    private final EgressConnector egress = new EgressConnector(VERTX, TestEgress.anyPortOf("127.0.0.1"), names);
    private FakeJmapServer server;
    private PrivateListener listener;

    @BeforeEach
    void start() {
        server = FakeJmapServer.start(VERTX);
        // The same port: only the address differs.
        listener = new PrivateListener(port());
        names.answer(MAIL, "127.0.0.1");
        names.answer(SUB_DOMAIN, PrivateListener.ADDRESS);
    }

    @AfterEach
    void stop() {
        server.close();
        listener.close();
    }

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    /** What a client does with one of the session's URLs. */
    enum Use {
        API(
                session -> session.put("apiUrl", privateUrl(session)),
                client -> client.call(new MailboxGet(Ids.all())).replaceWithVoid()),
        UPLOAD(
                session -> session.put("uploadUrl", privateUrl(session) + "upload/{accountId}/"),
                client -> client.upload(Buffer.buffer("x"), "text/plain").replaceWithVoid()),
        DOWNLOAD(
                session -> session.put("downloadUrl", privateUrl(session) + "{accountId}/{blobId}/{name}?type={type}"),
                client -> client.download("B1", "name", "text/plain", BYTES_MAX).replaceWithVoid()),
        EVENTS(
                session -> session.put("eventSourceUrl", privateUrl(session) + "{types}{closeafter}{ping}"),
                client -> first(JmapEventSource.open(client, List.of("Email", "Mailbox"), WAIT))),
        WEB_SOCKET(
                session -> ((ObjectNode) session.path("capabilities").path(JmapSession.WEBSOCKET))
                        .put("url", privateUrl(session).replace("http:", "ws:")),
                client -> first(JmapWebSocket.open(client, List.of("Email", "Mailbox"), WAIT)));

        private final Consumer<ObjectNode> lead;
        private final Function<JmapClient, Uni<Void>> use;

        Use(Consumer<ObjectNode> lead, Function<JmapClient, Uni<Void>> use) {
            this.lead = lead;
            this.use = use;
        }

        private static String privateUrl(ObjectNode session) {
            return "http://" + SUB_DOMAIN + ":" + session.path("port").asInt() + "/";
        }

        private static Uni<Void> first(Multi<JmapPush> push) {
            return push.toUni().replaceWithVoid();
        }
    }

    @ParameterizedTest
    @EnumSource(Use.class)
    void a_url_of_the_session_on_a_sub_domain_that_is_private_is_not_connected_to(Use use) {
        server.offerWebSocket();
        server.session(session -> {
            session.put("port", port());
            use.lead.accept(session);
        });
        JmapClient client = get(open(MAIL));

        assertRefused(use.use.apply(client));
        client.close();
    }

    @ParameterizedTest
    @EnumSource(Use.class)
    void a_name_that_becomes_private_after_the_session_was_read_is_not_connected_to(Use use) {
        server.offerWebSocket();
        JmapClient client = get(open(MAIL));
        names.change(MAIL, PrivateListener.ADDRESS);

        assertRefused(use.use.apply(client));
        client.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.2:%d/",
                "http://private.mail.test:%d/",
                "http://2130706434:%d/",
                "http://0x7f.2:%d/",
                "http://127.2:%d/",
                "http://[::ffff:127.0.0.2]:%d/",
                "//127.0.0.2:%d/session"
            })
    void a_redirect_to_a_private_address_is_not_followed(String target) {
        String location = target.formatted(port());
        server.next(
                "/session",
                request -> request.response()
                        .setStatusCode(307)
                        .putHeader("Location", location)
                        .end());

        ServerFailure failure = failure(open(MAIL));

        assertThat(failure.text()).doesNotContain("127.").doesNotContain("private.mail.test");
        listener.assertUntouched();
        assertThat(server.isAllMet()).isTrue();
    }

    @Test
    void a_name_with_one_private_address_among_others_is_not_connected_to() {
        names.change(MAIL, "127.0.0.1", PrivateListener.ADDRESS);

        assertRefused(open(MAIL).replaceWithVoid());
    }

    @Test
    void a_name_that_changes_between_two_requests_is_judged_each_time_and_looked_up_once_for_each() {
        names.change(MAIL, "127.0.0.1");
        names.answer(MAIL, PrivateListener.ADDRESS);

        get(open(MAIL)).close();
        assertThat(names.lookups()).containsExactly(MAIL);

        assertRefused(open(MAIL).replaceWithVoid());
    }

    @Test
    void a_download_that_hangs_does_not_open_a_way_to_another_address() {
        String blob = "/download/" + FakeJmapServer.ACCOUNT + "/B1/name";
        server.next(blob, request -> request.response().setChunked(true).write("begin"));
        JmapClient client = get(open(MAIL));
        List<Buffer> received = new CopyOnWriteArrayList<>();
        var download = get(client.download("B1", "name", "text/plain", BYTES_MAX))
                .content()
                .subscribe()
                .with(received::add, failure -> {});
        await().atMost(WAIT).until(() -> !received.isEmpty());

        names.change(MAIL, PrivateListener.ADDRESS);

        assertRefused(client.download("B1", "name", "text/plain", BYTES_MAX).replaceWithVoid());
        download.cancel();
        client.close();
    }

    @Test
    void a_host_with_an_address_that_leads_nowhere_is_reached_by_the_other_within_5_seconds() {
        EgressConnector dualStack =
                new EgressConnector(VERTX, TestEgress.anyPortOf("127.0.0.1,100::/64,192.0.2.0/24"), names);
        for (String dead : List.of("100::1", "192.0.2.1")) {
            names.change(MAIL, dead, "127.0.0.1");
            JmapClient client = open(dualStack, MAIL).await().atMost(Duration.ofSeconds(5));

            assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).isNotEmpty();
            client.close();
        }
    }

    private void assertRefused(Uni<Void> use) {
        assertThat(failure(use)).isEqualTo(new ServerFailure.Unreachable(EgressRefusal.ADDRESS.text()));
        listener.assertUntouched();
    }

    private int port() {
        return server.sessionUrl().getPort();
    }

    private Uni<JmapClient> open(String host) {
        return open(egress, host);
    }

    private Uni<JmapClient> open(EgressConnector connector, String host) {
        return JmapClient.open(
                connector,
                new AccountSettings.Jmap(FakeJmapServer.USER, URI.create("http://" + host + ":" + port() + "/session")),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                JmapOptions.DEFAULTS);
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
