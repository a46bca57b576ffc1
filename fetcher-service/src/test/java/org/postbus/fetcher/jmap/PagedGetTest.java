package org.postbus.fetcher.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapOptions;
import org.postbus.mail.jmap.method.JmapEmailState;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;

class PagedGetTest {
    private static final Duration WAIT = Duration.ofSeconds(60);

    private final List<String> done = new ArrayList<>();
    private Vertx vertx;
    private FakeJmapServer server;
    private JmapClient client;
    private PagedGet<GetResult<JmapEmailState>> get;

    @BeforeEach
    void start() {
        vertx = Vertx.vertx();
        server = FakeJmapServer.start(vertx);
        server.makeUpEmails("inbox-id", 12);
        AccountSettings.Jmap settings = new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl());
        client = JmapClient.open(
                        TestEgress.toThisMachine(vertx),
                        settings,
                        new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                        JmapOptions.DEFAULTS)
                .await()
                .atMost(WAIT);
        get = new PagedGet<>(
                client,
                new GetSizeLimit(4),
                JmapMethod.EmailStateGet::new,
                (asked, answer) -> answer.list().forEach(email -> done.add(email.id())));
    }

    @AfterEach
    void stop() throws Exception {
        get.close();
        client.close();
        server.close();
        vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @Test
    void more_is_requested_while_answers_are_in_flight() throws Exception {
        BlockingQueue<HttpServerRequest> held = new LinkedBlockingQueue<>();
        server.next("/api/", held::add);

        get.ask(ids(0, 4));
        get.then(() -> done.add("page"));

        HttpServerRequest unanswered = held.poll(WAIT.toSeconds(), TimeUnit.SECONDS);
        assertThat(unanswered).isNotNull();
        get.ask(ids(4, 8));
        await().atMost(WAIT).until(() -> server.requests().size() == 1);
        assertThat(done).isEmpty();
    }

    @Test
    void answers_are_used_in_order_and_what_follows_them_is_done_between() throws Exception {
        get.then(() -> done.add("nothing before"));
        get.ask(ids(0, 5));
        get.then(() -> done.add("page"));
        get.ask(List.of());
        get.then(() -> done.add("empty page"));
        get.ask(ids(5, 12));
        get.then(() -> done.add("last page"));
        get.end();

        List<String> expected = new ArrayList<>(List.of("nothing before"));
        expected.addAll(ids(0, 5));
        expected.addAll(List.of("page", "empty page"));
        expected.addAll(ids(5, 12));
        expected.add("last page");
        assertThat(done).isEqualTo(expected);
    }

    @Test
    void what_is_too_large_for_the_server_is_requested_in_smaller_pages() throws Exception {
        server.getMax(1);

        get.ask(ids(0, 8));
        get.then(() -> done.add("page"));
        get.end();

        List<String> expected = new ArrayList<>(ids(0, 8));
        expected.add("page");
        assertThat(done).isEqualTo(expected);
        assertThat(server.complaints()).isEmpty();
    }

    private static List<String> ids(int from, int to) {
        List<String> ids = new ArrayList<>();
        for (int number = from; number < to; number++) {
            ids.add(FakeJmapServer.madeUpId(number));
        }
        return ids;
    }
}
