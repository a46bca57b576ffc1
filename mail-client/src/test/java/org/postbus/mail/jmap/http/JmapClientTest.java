package org.postbus.mail.jmap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
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
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.method.JmapEmail;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapMethod.BodyValues;
import org.postbus.mail.jmap.method.JmapMethod.EmailChanges;
import org.postbus.mail.jmap.method.JmapMethod.EmailGet;
import org.postbus.mail.jmap.method.JmapMethod.EmailPatch;
import org.postbus.mail.jmap.method.JmapMethod.EmailQuery;
import org.postbus.mail.jmap.method.JmapMethod.EmailSet;
import org.postbus.mail.jmap.method.JmapMethod.EmailStateGet;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChanges;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.MailboxUpdatesGet;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.jmap.push.JmapEventSource;
import org.postbus.mail.jmap.push.JmapWebSocket;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;

class JmapClientTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final JmapOptions QUICK =
            new JmapOptions(Duration.ofSeconds(5), Duration.ofMillis(1500), 256 * 1024, 5);

    private final List<JmapClient> clients = new ArrayList<>();
    private FakeJmapServer server;

    @BeforeEach
    void start() {
        server = FakeJmapServer.start(VERTX);
    }

    @AfterEach
    void stop() {
        clients.forEach(JmapClient::close);
        server.close();
        assertThat(server.complaints()).isEmpty();
    }

    @AfterAll
    static void stopVertx() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void page_and_its_emails_come_in_one_request() {
        IntStream.range(0, 5)
                .forEach(i -> server.addEmail(
                        "E" + i, "inbox-id", "2026-01-0" + (i + 1) + "T00:00:00Z", "s" + i, "text " + i));
        var request = new JmapRequest();
        var page = request.add(new EmailQuery(new QueryStart.After("E4"), 2));
        var emails = request.add(new EmailGet(page.result("/ids"), Optional.of(new BodyValues(true, true, 1000))));

        JmapResults results = get(open().send(request));

        assertThat(results.get(page).ids()).containsExactly("E3", "E2");
        assertThat(results.get(emails).list()).extracting(JmapEmail::id).containsExactly("E3", "E2");
        JmapEmail email = results.get(emails).list().getFirst();
        assertThat(email.mailboxIds()).containsExactly("inbox-id");
        assertThat(email.receivedAt()).isEqualTo(Instant.parse("2026-01-04T00:00:00Z"));
        assertThat(email.headers().messageId()).containsExactly("E3@example.com");
        assertThat(email.body().orElseThrow().bodyValues().get("1").value()).isEqualTo("text 3");
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void mailboxes_have_their_counts_and_roles() {
        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");

        JmapMailbox inbox = get(open().call(new MailboxGet(Ids.all()))).list().getFirst();

        assertThat(inbox.role()).contains(MailboxRole.INBOX);
        assertThat(inbox.totalEmails()).isEqualTo(1);
        assertThat(inbox.unreadEmails()).isEqualTo(1);
        assertThat(inbox.parentId()).isEmpty();
    }

    @Test
    void of_mailboxes_that_have_other_counts_only_these_are_fetched() {
        JmapClient client = open();
        String state = get(client.call(new MailboxGet(Ids.all()))).state();
        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");

        assertThat(updatesSince(client, state))
                .containsExactly(new JmapMailboxUpdate.Counts("inbox-id", Optional.of(1L), Optional.of(1L)));
    }

    @Test
    void mailboxes_that_changed_otherwise_are_fetched_whole() {
        JmapClient client = open();
        String state = get(client.call(new MailboxGet(Ids.all()))).state();
        server.renameMailbox("inbox-id", "Letters");
        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");

        assertThat(updatesSince(client, state))
                .singleElement()
                .isInstanceOfSatisfying(JmapMailboxUpdate.Whole.class, update -> {
                    assertThat(update.mailbox().name()).isEqualTo("Letters");
                    assertThat(update.mailbox().totalEmails()).isEqualTo(1);
                });
    }

    private static List<JmapMailboxUpdate> updatesSince(JmapClient client, String state) {
        var request = new JmapRequest();
        var changes = request.add(new MailboxChanges(state, 500));
        var updated =
                request.add(new MailboxUpdatesGet(changes.result("/updated"), changes.reference("/updatedProperties")));
        return get(client.send(request)).get(updated).list();
    }

    @Test
    void changes_are_paged_from_the_state_on() {
        JmapClient client = open();
        String state = get(client.call(new EmailGet(Ids.these(List.of()), Optional.empty())))
                .state();
        IntStream.range(0, 3).forEach(i -> server.addEmail("E" + i, "inbox-id", "2026-01-01T00:00:00Z", "s", "t"));
        server.destroyEmail("E0");

        var first = get(client.call(new EmailChanges(state, 2)));
        var second = get(client.call(new EmailChanges(first.newState(), 2)));

        assertThat(first.hasMoreChanges()).isTrue();
        assertThat(first.created()).containsExactly("E0", "E1");
        assertThat(second.hasMoreChanges()).isFalse();
        assertThat(second.created()).containsExactly("E2");
        assertThat(second.destroyed()).containsExactly("E0");
    }

    @Test
    void state_that_the_server_cannot_use_is_a_lost_cursor() {
        server.forgetChanges();

        assertThat(failure(open().call(new EmailChanges("1", 500)))).isInstanceOf(ServerFailure.CursorLost.class);
    }

    @Test
    void set_reports_the_result_for_each_object() {
        server.addMailbox("to", "To", "archive");
        IntStream.range(0, 3).forEach(i -> server.addEmail("E" + i, "inbox-id", "2026-01-01T00:00:00Z", "s", "t"));

        var result = get(open().call(new EmailSet(
                Map.of(
                        "E0",
                        new EmailPatch(Map.of(Keyword.SEEN, true, Keyword.of("a/b~c"), true), Map.of()),
                        "E1",
                        new EmailPatch(Map.of(), Map.of("inbox-id", false, "to", true)),
                        "gone",
                        new EmailPatch(Map.of(Keyword.SEEN, false), Map.of())),
                List.of("E2", "gone too"),
                Optional.empty())));

        assertThat(result.updated()).containsExactlyInAnyOrder("E0", "E1");
        assertThat(result.destroyed()).containsExactly("E2");
        assertThat(result.notUpdated().get("gone").failure())
                .isEqualTo(new ServerFailure.Rejected("notFound", "notFound"));
        assertThat(result.notDestroyed()).containsOnlyKeys("gone too");
        assertThat(server.email("E0").orElseThrow().path("keywords").toString())
                .isEqualTo("{\"$seen\":true,\"a/b~c\":true}");
        assertThat(server.email("E1").orElseThrow().path("mailboxIds").toString())
                .isEqualTo("{\"to\":true}");
    }

    @Test
    void one_call_may_fail_and_the_next_succeed() {
        server.refuseAnchors();
        var request = new JmapRequest();
        var page = request.add(new EmailQuery(new QueryStart.After("x"), 2));
        var mailboxes = request.add(new MailboxGet(Ids.all()));

        JmapResults results = get(open().send(request));

        assertThat(results.failure(page))
                .hasValueSatisfying(failure -> assertThat(failure)
                        .isInstanceOfSatisfying(
                                ServerFailure.Rejected.class,
                                rejected -> assertThat(rejected.code()).isEqualTo("invalidArguments")));
        assertThatThrownBy(() -> results.get(page)).isInstanceOf(ServerException.class);
        assertThat(results.get(mailboxes).list()).hasSize(1);
    }

    @Test
    void wrong_password_is_auth_rejected() {
        var client = JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()),
                new Credential.Password(new Secret("wrong")),
                JmapOptions.DEFAULTS);

        assertThat(failure(client)).isInstanceOf(ServerFailure.AuthRejected.class);
    }

    @Test
    void an_access_token_is_a_bearer_token() {
        var logins = new CopyOnWriteArrayList<String>();
        server.next("/session", request -> {
            logins.add(request.getHeader("Authorization"));
            request.response().setStatusCode(401).end();
        });

        var client = JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()),
                new Credential.AccessToken(new Secret("abc.def")),
                JmapOptions.DEFAULTS);

        assertThat(failure(client)).isInstanceOf(ServerFailure.AuthRejected.class);
        assertThat(logins).containsExactly("Bearer abc.def");
    }

    @Test
    void closed_port_is_unreachable() {
        var client = JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap("u", URI.create("http://127.0.0.1:1/session")),
                new Credential.Password(new Secret("p")),
                JmapOptions.DEFAULTS);

        assertThat(failure(client)).isInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void session_is_found_through_redirects_and_its_urls_are_relative_to_the_last() {
        server.next("/.well-known/jmap", redirect(301, "/a"));
        server.next("/a", redirect(307, "session"));

        JmapClient client = open(server.sessionUrl().resolve("/.well-known/jmap"), JmapOptions.DEFAULTS);

        assertThat(client.session().url()).isEqualTo(server.sessionUrl());
        assertThat(client.session().apiUrl()).isEqualTo(server.sessionUrl().resolve("/api/"));
    }

    @Test
    void endless_redirects_end() {
        IntStream.range(0, 6).forEach(i -> server.next("/loop", redirect(302, "/loop")));

        assertThat(failure(JmapClient.open(
                        TestEgress.toThisMachine(VERTX),
                        new AccountSettings.Jmap("u", server.sessionUrl().resolve("/loop")),
                        new Credential.Password(new Secret("p")),
                        JmapOptions.DEFAULTS)))
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo("too-many-redirects"));
    }

    @Test
    void of_several_accounts_the_one_is_used_that_was_asked_for() {
        server.session(session -> {
            ObjectNode shared = ((ObjectNode) session.path("accounts")).putObject("A2");
            shared.putObject("accountCapabilities").putObject(JmapSession.MAIL);
            ((ObjectNode) session.path("accounts")).putObject("calendar").putObject("accountCapabilities");
            ((ObjectNode) session.path("primaryAccounts")).put(JmapSession.MAIL, "A2");
        });

        JmapClient client = get(openAccount(FakeJmapServer.ACCOUNT));
        clients.add(client);

        assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).hasSize(1);
        assertThat(failure(openAccount("calendar")))
                .isEqualTo(new ServerFailure.Rejected(
                        "accountNotFound", "this login has no mail account calendar on 127.0.0.1; it has A1, A2"));
    }

    private Uni<JmapClient> openAccount(String id) {
        return JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl(), Optional.of(id), List.of()),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                JmapOptions.DEFAULTS);
    }

    @Test
    void another_host_does_not_get_the_password() {
        String other = otherName();
        List<String> logins = new ArrayList<>();
        server.next("/moved", redirect(302, other + "/other"));
        server.next("/other", request -> {
            logins.add(String.valueOf(request.getHeader("Authorization")));
            request.response().setStatusCode(401).end();
        });

        ServerFailure failure = failure(JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap("u", server.sessionUrl().resolve("/moved")),
                new Credential.Password(new Secret("p")),
                JmapOptions.DEFAULTS));

        assertThat(logins).containsExactly("null");
        assertThat(failure).isInstanceOf(ServerFailure.AuthRejected.class);
        assertThat(failure.text()).contains("jmap.trustedHosts").doesNotContain("localhost");
    }

    @Test
    void another_host_that_the_account_trusts_gets_the_password() {
        String other = otherName();
        server.next("/moved", redirect(302, other + "/session"));
        server.session(session -> session.put("apiUrl", other + "/api/"));

        JmapClient client = get(openTrusting(server.sessionUrl().resolve("/moved"), List.of("localhost")));
        clients.add(client);

        assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).hasSize(1);
    }

    @Test
    void an_api_on_a_host_that_is_not_trusted_fails_the_login_and_says_what_to_do() {
        server.session(session -> session.put("apiUrl", otherName() + "/api/"));

        assertThat(failure(openTrusting(server.sessionUrl(), List.of("example.com"))))
                .isEqualTo(new ServerFailure.Rejected(
                        "host-not-trusted",
                        "127.0.0.1 sends us to localhost, which must not get the credential: to allow it, name it in"
                                + " jmap.trustedHosts"));
    }

    @Test
    void blobs_and_events_on_a_host_that_is_not_trusted_are_not_asked_for() {
        List<String> asked = new ArrayList<>();
        for (String path : List.of("/blobs", "/events", "/socket")) {
            server.next(path, request -> {
                asked.add(path);
                request.response().setStatusCode(500).end();
            });
        }
        server.session(session -> {
            session.put("downloadUrl", otherName() + "/blobs").put("eventSourceUrl", otherName() + "/events");
            ((ObjectNode) session.path("capabilities"))
                    .putObject(JmapSession.WEBSOCKET)
                    .put("url", otherName().replace("http", "ws") + "/socket")
                    .put("supportsPush", true);
        });

        JmapClient client = open();

        List<Uni<?>> attempts = List.of(
                client.download("b", "n", "t", 1000),
                JmapEventSource.open(client, List.of("Email"), Duration.ofSeconds(1))
                        .toUni(),
                JmapWebSocket.open(client, List.of("Email"), Duration.ofSeconds(1))
                        .toUni());
        for (Uni<?> attempt : attempts) {
            assertThat(failure(attempt))
                    .isInstanceOfSatisfying(
                            ServerFailure.Rejected.class,
                            rejected -> assertThat(rejected.code()).isEqualTo("host-not-trusted"));
        }
        assertThat(asked).isEmpty();
    }

    /** The same server by another name. */
    private String otherName() {
        return "http://localhost:" + server.sessionUrl().getPort();
    }

    private Uni<JmapClient> openTrusting(URI sessionUrl, List<String> hosts) {
        return JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap(FakeJmapServer.USER, sessionUrl, Optional.empty(), hosts),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                JmapOptions.DEFAULTS);
    }

    @Test
    void changed_session_is_read_again_once() {
        JmapClient client = open();
        server.session(session -> session.put("state", "session-2").put("eventSourceUrl", "/new-events"));

        get(client.call(new MailboxGet(Ids.all())));

        await().atMost(WAIT).until(() -> client.session().state().equals("session-2"));
        assertThat(client.session().eventSourceUrl().orElseThrow()).endsWith("/new-events");
    }

    @Test
    void web_page_where_json_is_expected_is_named_as_such() {
        JmapClient client = open();
        server.nextAnswer(200, "text/html", "<html>please log in to the hotel</html>");

        ServerFailure failure = failure(client.call(new MailboxGet(Ids.all())));

        assertThat(failure).isInstanceOf(ServerFailure.Unreachable.class);
        assertThat(failure.text()).contains("a web page");
    }

    @Test
    void cut_off_answer_is_unreachable_and_after_a_set_the_outcome_is_unknown() {
        JmapClient client = open();
        Consumer<HttpServerRequest> cutOff = request -> request.response()
                .putHeader("Content-Length", "1000")
                .write("{\"methodResponses\":[")
                .onComplete(written -> request.connection().close());
        server.next("/api/", cutOff);
        server.next("/api/", cutOff);
        server.next("/api/", cutOff);

        assertThat(failure(client.call(new MailboxGet(Ids.all())))).isInstanceOf(ServerFailure.Unreachable.class);
        assertThat(failure(client.call(new EmailSet(Map.of(), List.of("E1"), Optional.empty()))))
                .isInstanceOf(ServerFailure.OutcomeUnknown.class);
    }

    @Test
    void kept_connection_that_the_server_closes_is_no_failure_for_a_read() {
        JmapClient client = open();
        server.next("/api/", request -> request.connection().close());

        assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).hasSize(1);
    }

    @Test
    void answer_that_does_not_come_in_time_is_a_failure() {
        JmapClient client = open(server.sessionUrl(), QUICK);
        server.next("/api/", request -> {});
        server.next("/api/", request -> {});

        assertThat(failure(client.call(new MailboxGet(Ids.all())))).isInstanceOf(ServerFailure.Unreachable.class);
        assertThat(failure(client.call(new EmailSet(Map.of(), List.of("E1"), Optional.empty()))))
                .isInstanceOf(ServerFailure.OutcomeUnknown.class);
    }

    @Test
    void answer_beyond_the_limit_is_not_read() {
        JmapClient client = open(server.sessionUrl(), QUICK);
        server.nextAnswer(200, "application/json", "[\"" + "x".repeat(300_000) + "\"]");

        assertThat(failure(client.call(new MailboxGet(Ids.all())))).isInstanceOf(ServerFailure.LimitExceeded.class);
    }

    @Test
    void answer_that_takes_too_much_memory_to_read_is_not_parsed() {
        HeldBytes held = new HeldBytes(64 << 20);
        JmapClient client = open(server.sessionUrl(), JmapOptions.DEFAULTS.withHeld(held));
        // 2.4 MB of text, 64 MB as objects.
        server.nextAnswer(200, "application/json", "[" + "[],".repeat(800_000) + "[]]");
        server.nextAnswer(200, "application/json", "[".repeat(10_000) + "]".repeat(10_000));

        assertThat(failure(client.call(new MailboxGet(Ids.all()))))
                .isInstanceOfSatisfying(
                        ServerFailure.LimitExceeded.class,
                        exceeded -> assertThat(exceeded.text()).contains("values"));
        assertThat(failure(client.call(new MailboxGet(Ids.all()))))
                .isInstanceOfSatisfying(
                        ServerFailure.LimitExceeded.class,
                        exceeded -> assertThat(exceeded.text()).contains("nested too deep"));
        assertThat(held.held()).isZero();
        assertThat(held.ended()).isZero();
    }

    @Test
    void answer_counts_as_held_until_it_is_closed_and_the_client_is_ended_if_all_hold_too_much() {
        HeldBytes held = new HeldBytes(4 << 20);
        JmapClient client = open(server.sessionUrl(), JmapOptions.DEFAULTS.withHeld(held));
        String answer = "{\"methodResponses\":[[\"Mailbox/get\",{\"state\":\"1\",\"list\":[],\"notFound\":[\""
                + "x".repeat(500_000) + "\"]},\"c0\"]]}";
        server.nextAnswer(200, "application/json", answer);

        JmapClient.Held<?> first = get(client.callHeld(new MailboxGet(Ids.all())));
        assertThat(held.held()).isBetween(500_000L, 2_000_000L);
        first.close();
        assertThat(held.held()).isZero();

        for (int i = 0; i < 8; i++) {
            server.nextAnswer(200, "application/json", answer);
        }
        ServerFailure failure = null;
        for (int i = 0; i < 8 && failure == null; i++) {
            try {
                get(client.callHeld(new MailboxGet(Ids.all())));
            } catch (ServerException ended) {
                failure = ended.failure();
            }
        }
        assertThat(failure)
                .isInstanceOfSatisfying(
                        ServerFailure.Unreachable.class,
                        ended -> assertThat(ended.text()).contains("takes more memory"));
        assertThat(held.ended()).isOne();
        assertThat(held.held()).isZero();
    }

    @Test
    void no_more_requests_run_at_once_than_the_server_allows() {
        server.session(session -> session.withObject("/capabilities/" + JmapSession.CORE.replace("/", "~1"))
                .put("maxConcurrentRequests", 2));
        JmapClient client = open();
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        IntStream.range(0, 12)
                .forEach(i -> server.next(
                        "/api/",
                        request -> request.body().onSuccess(body -> {
                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                            VERTX.setTimer(50, id -> {
                                running.decrementAndGet();
                                request.response()
                                        .end("{\"methodResponses\":[[\"Mailbox/get\",{\"state\":\"1\"},\"c0\"]]}");
                            });
                        })));

        List<Uni<JmapMethod.GetResult<JmapMailbox>>> calls = IntStream.range(0, 12)
                .mapToObj(i -> client.call(new MailboxGet(Ids.all())))
                .toList();
        get(Uni.join().all(calls).andFailFast());

        assertThat(most.get()).isEqualTo(2);
    }

    @Test
    void cancelled_request_passes_its_permit_to_the_next() {
        server.session(session -> session.withObject("/capabilities/" + JmapSession.CORE.replace("/", "~1"))
                .put("maxConcurrentRequests", 1));
        JmapClient client = open();
        var arrived = new CompletableFuture<Void>();
        server.next("/api/", request -> arrived.complete(null));
        var stuck = client.call(new MailboxGet(Ids.all())).subscribe().with(item -> {});
        var waiting = client.call(new MailboxGet(Ids.all())).subscribe().with(item -> {});
        get(Uni.createFrom().completionStage(arrived));

        waiting.cancel();
        stuck.cancel();

        assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).hasSize(1);
    }

    @Test
    void request_cancelled_before_it_is_sent_passes_its_permit_to_the_next() {
        server.session(session -> session.withObject("/capabilities/" + JmapSession.CORE.replace("/", "~1"))
                .put("maxConcurrentRequests", 1));
        JmapClient client = open();

        for (int i = 0; i < 50; i++) {
            client.call(new MailboxGet(Ids.all())).subscribe().with(item -> {}).cancel();
        }

        assertThat(get(client.call(new MailboxGet(Ids.all()))).list()).hasSize(1);
    }

    @Test
    void request_that_the_server_would_refuse_is_not_sent() {
        server.session(session -> session.withObject("/capabilities/" + JmapSession.CORE.replace("/", "~1"))
                .put("maxCallsInRequest", 1)
                .put("maxSizeRequest", 400));
        JmapClient client = open();
        var two = new JmapRequest();
        two.add(new MailboxGet(Ids.all()));
        two.add(new MailboxGet(Ids.all()));

        assertThat(failure(client.send(two))).isInstanceOf(ServerFailure.Rejected.class);
        assertThat(failure(client.call(new EmailStateGet(Ids.these(List.of("x".repeat(500)))))))
                .isInstanceOf(ServerFailure.Rejected.class);
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void malformed_email_does_not_block_the_others() {
        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "t");
        server.addEmail("E2", "inbox-id", "2026-01-01T00:00:00Z", "fine", "t");
        server.updateEmail("E1", email -> {
            email.put("receivedAt", "yesterday")
                    .put("subject", "a\u0000b\uD800")
                    .put("size", -1)
                    .put("from", 7);
            email.put("textBody", "no")
                    .putObject("keywords")
                    .put("bad keyword", true)
                    .put("$SEEN", true);
            email.withObject("/bodyValues").removeAll();
        });

        var emails = get(open().call(new EmailGet(
                        Ids.these(List.of("E1", "E2")), Optional.of(new BodyValues(true, true, 100)))))
                .list();

        JmapEmail odd = emails.getFirst();
        assertThat(odd.headers().subject()).contains("ab\uFFFD");
        assertThat(odd.keywords()).containsExactly(Keyword.SEEN);
        assertThat(odd.headers().from()).isEmpty();
        assertThat(odd.receivedAt()).isEqualTo(Instant.EPOCH);
        assertThat(odd.body().orElseThrow().textBody()).isEmpty();
        assertThat(emails.get(1).headers().subject()).contains("fine");
    }

    @Test
    void large_page_is_decoded_within_the_body_limit() {
        IntStream.range(0, 10)
                .forEach(i -> server.addEmail("E" + i, "inbox-id", "2026-01-01T00:00:00Z", "s", "ä".repeat(50_000)));

        var emails = get(open().call(new EmailGet(Ids.all(), Optional.of(new BodyValues(true, true, 1_000_000)))))
                .list();

        assertThat(emails).hasSize(10).allSatisfy(email -> {
            var value = email.body().orElseThrow().bodyValues().get("1");
            assertThat(value.value()).hasSize(32768);
            assertThat(value.isTruncated()).isTrue();
        });
    }

    @Test
    void blob_is_streamed_and_bounded() {
        server.addEmail("E1", "inbox-id", "2026-01-01T00:00:00Z", "s", "x".repeat(200_000));
        JmapClient client = open();

        JmapBlob blob = get(client.download("BE1", "a name/ü.eml", "message/rfc822", 1_000_000));
        JmapBlob bounded = get(client.download("BE1", "x", "message/rfc822", 1000));

        assertThat(blob.size()).contains(200_014L);
        assertThat(get(blob.content().collect().in(Buffer::buffer, Buffer::appendBuffer))
                        .length())
                .isEqualTo(200_014);
        assertThat(failure(bounded.content().collect().asList()))
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo("answer-too-large"));
    }

    @Test
    void purged_blob_is_reported_as_not_found() {
        assertThat(failure(open().download("nope", "x", "text/plain", 1000)))
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo("blobNotFound"));
    }

    @Test
    void failures_show_no_password() {
        JmapClient client = open();
        server.nextAnswer(500, "text/plain", "oops");

        assertThatThrownBy(() -> get(client.call(new MailboxGet(Ids.all()))))
                .isInstanceOf(ServerException.class)
                .satisfies(failure -> assertThat(failure.toString()).doesNotContain(FakeJmapServer.PASSWORD));
    }

    private static Consumer<HttpServerRequest> redirect(int status, String location) {
        return request -> request.response()
                .setStatusCode(status)
                .putHeader("Location", location)
                .end();
    }

    private JmapClient open() {
        return open(server.sessionUrl(), JmapOptions.DEFAULTS);
    }

    private JmapClient open(URI sessionUrl, JmapOptions options) {
        JmapClient client = get(JmapClient.open(
                TestEgress.toThisMachine(VERTX),
                new AccountSettings.Jmap(FakeJmapServer.USER, sessionUrl),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)),
                options));
        clients.add(client);
        return client;
    }

    private static <T> T get(Uni<T> uni) {
        return uni.await().atMost(WAIT);
    }

    private static ServerFailure failure(Uni<?> uni) {
        try {
            Object item = get(uni);
            throw new AssertionError("succeeded with " + item);
        } catch (ServerException e) {
            return e.failure();
        }
    }
}
