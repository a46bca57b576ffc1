package org.postbus.outbound.jmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.postbus.outbound.fixture.Mutations.afterInterruption;
import static org.postbus.outbound.fixture.Mutations.destroy;
import static org.postbus.outbound.fixture.Mutations.email;
import static org.postbus.outbound.fixture.Mutations.heldClaim;
import static org.postbus.outbound.fixture.Mutations.keywords;
import static org.postbus.outbound.fixture.Mutations.mailboxes;
import static org.postbus.outbound.fixture.Mutations.mutation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.model.MutationId;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailServer.Answers;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.Tries;

class JmapMailServerTest {
    private static final Map<String, Boolean> SEEN = Map.of("$seen", true);
    private static final String JSON = "application/json";

    private static Vertx vertx;

    private FakeJmapServer server;
    private JmapMailServer mail;

    private final Mutations.SampleSnapshot world = new Mutations.SampleSnapshot()
            .jmapMailbox(1, "inbox-id")
            .jmapMailbox(2, "archive/id")
            .jmapEmail(1, "e1")
            .jmapEmail(2, "e2")
            .jmapEmail(3, "e3")
            .jmapEmail(4, "gone");

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @BeforeEach
    void open() {
        server = FakeJmapServer.start(vertx);
        server.addMailbox("archive/id", "Archive", "archive");
        for (String id : List.of("e1", "e2", "e3")) {
            server.addEmail(id, "inbox-id", "2026-01-02T03:04:05Z", "s", "t");
        }
        mail = JmapMailServer.open(
                TestEgress.toThisMachine(vertx),
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)));
    }

    @AfterEach
    void close() {
        mail.close();
        server.close();
    }

    @Test
    void all_mutations_are_one_call_of_patches() throws JsonProcessingException {
        Answers answers = apply(
                mutation(1, 1, Map.of("$seen", true), Map.of(1L, false, 2L, true)),
                destroy(2, 2),
                keywords(3, 3, SEEN));

        assertThat(answers.byEmail())
                .isEqualTo(Map.of(email(1), Answer.DONE, email(2), Answer.DONE, email(3), Answer.DONE));
        assertThat(server.requests())
                .singleElement()
                .satisfies(request -> assertThat(
                                request.path("methodCalls").path(0).path(1))
                        .isEqualTo(EventCodec.mapper().readTree("""
                        {"accountId": "A1",
                         "update": {
                           "e1": {"keywords/$seen": true, "mailboxIds/inbox-id": null, "mailboxIds/archive~1id": true},
                           "e3": {"keywords/$seen": true}},
                         "destroy": ["e2"]}
                        """)));
        assertThat(server.email("e1").orElseThrow().path("mailboxIds"))
                .isEqualTo(EventCodec.mapper().readTree("{\"archive/id\": true}"));
        assertThat(server.email("e2")).isEmpty();
        assertThat(server.complaints()).isEmpty();
    }

    @Test
    void an_email_that_is_gone_is_missing_unless_it_may_have_been_destroyed_before() {
        Answers changed = apply(keywords(1, 4, SEEN), keywords(2, 1, SEEN));
        Answers destroyed = apply(destroy(3, 4));
        Answers again = apply(afterInterruption(destroy(3, 4)));

        assertThat(changed.byEmail().get(email(4))).isEqualTo(Answer.MISSING);
        assertThat(changed.byEmail().get(email(1))).isEqualTo(Answer.DONE);
        assertThat(destroyed.byEmail().get(email(4))).isEqualTo(Answer.MISSING);
        assertThat(again.byEmail().get(email(4))).isEqualTo(Answer.DONE);
    }

    /** A proxy answers for a server that is away. */
    @Test
    void an_http_status_is_no_refusal_of_the_emails() {
        server.nextAnswer(404, "text/html", "<html>not found</html>");

        Answers answers = apply(keywords(1, 1, SEEN), destroy(2, 2));

        assertThat(answers.byEmail()).isEmpty();
        assertThat(answers.lost()).containsInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void nothing_is_sent_after_the_claim_was_lost() {
        var lost = new HeldClaim(Duration.ofMinutes(1), () -> HeldClaim.Confirmation.LOST, () -> 0, -60_000_000_000L);

        assertThatThrownBy(() -> mail.apply(Fold.fold(List.of(keywords(1, 1, SEEN))), world.snapshot(), lost))
                .isInstanceOf(HeldClaim.LostException.class);

        assertThat(server.requests()).isEmpty();
    }

    @Test
    void an_email_is_not_removed_from_its_last_mailbox() {
        Answers answers = apply(mailboxes(1, 1, Map.of(1L, false)), keywords(2, 2, SEEN));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.Rejected.class);
        assertThat(answers.byEmail().get(email(2))).isEqualTo(Answer.DONE);
        assertThat(server.email("e1").orElseThrow().path("mailboxIds").has("inbox-id"))
                .isTrue();
    }

    @Test
    void errors_of_single_emails_do_not_affect_others() {
        server.nextAnswer(200, JSON, response("""
                ["Email/set", {"accountId": "A1", "newState": "2", "updated": {"e1": null},
                  "notUpdated": {"e2": {"type": "rateLimit"}, "e3": {"type": "tooManyKeywords", "description": "enough"}}},
                 "c0"]"""));

        Answers answers = apply(keywords(1, 1, SEEN), keywords(2, 2, SEEN), keywords(3, 3, SEEN));

        assertThat(answers.byEmail().get(email(1))).isEqualTo(Answer.DONE);
        assertThat(failure(answers, 2)).isInstanceOf(ServerFailure.Throttled.class);
        assertThat(failure(answers, 3))
                .isInstanceOfSatisfying(
                        ServerFailure.Rejected.class,
                        rejected -> assertThat(rejected.code()).isEqualTo("tooManyKeywords"));
        assertThat(answers.lost()).isEmpty();
    }

    @Test
    void an_email_that_the_response_omits_has_an_unknown_outcome() {
        server.nextAnswer(200, JSON, response("[\"Email/set\", {\"accountId\": \"A1\", \"newState\": \"2\"}, \"c0\"]"));

        assertThat(failure(apply(keywords(1, 1, SEEN)), 1)).isInstanceOf(ServerFailure.OutcomeUnknown.class);
    }

    @Test
    void an_unavailable_server_ends_the_attempt_for_all() {
        server.nextAnswer(200, JSON, response("[\"error\", {\"type\": \"serverUnavailable\"}, \"c0\"]"));

        Answers answers = apply(keywords(1, 1, SEEN), keywords(2, 2, SEEN));

        assertThat(answers.byEmail()).isEmpty();
        assertThat(answers.lost()).containsInstanceOf(ServerFailure.Unreachable.class);
        assertThat(mail.isOpen()).isFalse();
    }

    @Test
    void too_many_requests_end_the_attempt_with_the_servers_hint() {
        server.next(
                "/api/",
                request -> request.response()
                        .setStatusCode(429)
                        .putHeader("Retry-After", "17")
                        .end());

        Answers answers = apply(keywords(1, 1, SEEN));

        assertThat(answers.lost())
                .hasValueSatisfying(lost -> assertThat(lost)
                        .asInstanceOf(InstanceOfAssertFactories.type(ServerFailure.Throttled.class))
                        .extracting(ServerFailure.Throttled::retryAfter)
                        .isEqualTo(Optional.of(Duration.ofSeconds(17))));
    }

    @Test
    void a_call_that_is_too_large_is_halved() {
        server.nextAnswer(200, JSON, response("[\"error\", {\"type\": \"requestTooLarge\"}, \"c0\"]"));

        Answers answers = apply(keywords(1, 1, SEEN), destroy(2, 2), keywords(3, 3, SEEN));

        assertThat(answers.byEmail())
                .hasSize(3)
                .allSatisfy((email, answer) -> assertThat(answer).isEqualTo(Answer.DONE));
        assertThat(server.email("e2")).isEmpty();
        assertThat(server.complaints()).isEmpty();
    }

    @Test
    void calls_keep_the_servers_limit() {
        mail.close();
        server.session(session -> ((ObjectNode) session.path("capabilities").path("urn:ietf:params:jmap:core"))
                .put("maxObjectsInSet", 2));
        mail = JmapMailServer.open(
                TestEgress.toThisMachine(vertx),
                new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()),
                new Credential.Password(new Secret(FakeJmapServer.PASSWORD)));

        Answers answers = apply(keywords(1, 1, SEEN), keywords(2, 2, SEEN), keywords(3, 3, SEEN));

        assertThat(answers.byEmail()).hasSize(3);
        assertThat(server.requests()).hasSize(2);
        assertThat(server.complaints()).isEmpty();
    }

    @Test
    void a_lost_connection_leaves_sent_mutations_unknown() {
        server.next("/api/", request -> request.connection().close());

        Answers answers = apply(keywords(1, 1, SEEN));

        assertThat(failure(answers, 1)).isInstanceOf(ServerFailure.OutcomeUnknown.class);
        assertThat(answers.lost()).containsInstanceOf(ServerFailure.Unreachable.class);
    }

    @Test
    void a_mailbox_that_was_changed_concurrently_is_a_conflict_and_done_on_fresh_state() {
        var mutation = new MailboxMutation(
                new MutationId(new UUID(0, 1)),
                Mutations.mailbox(2),
                new MailboxMutation.Change.Update(Optional.of("Old mail"), Optional.empty()),
                Tries.first());
        server.nextAnswer(200, JSON, response("""
                ["Mailbox/get", {"accountId": "A1", "state": "as it was before", "notFound": [], "list": [
                  {"id": "archive/id", "name": "Archive", "parentId": null, "role": "archive"}]}, "c0"]"""));

        Answer first = mail.apply(mutation, world.snapshot(), heldClaim());

        assertThat(first)
                .isInstanceOfSatisfying(
                        Answer.Failed.class,
                        failed -> assertThat(failed.failure()).isInstanceOf(ServerFailure.Conflict.class));
        assertThat(server.requests().getLast().at("/methodCalls/0/1/ifInState").asText())
                .isEqualTo("as it was before");
        assertThat(mail.isOpen()).isTrue();
        assertThat(mail.apply(mutation, world.snapshot(), heldClaim())).isEqualTo(Answer.DONE);
        assertThat(server.complaints()).isEmpty();
    }

    private Answers apply(EmailMutation... mutations) {
        return mail.apply(Fold.fold(List.of(mutations)), world.snapshot(), heldClaim());
    }

    private static String response(String methodResponse) {
        return "{\"methodResponses\": [" + methodResponse + "], \"sessionState\": \"session-1\"}";
    }

    private static ServerFailure failure(Answers answers, long email) {
        assertThat(answers.byEmail().get(email(email))).isInstanceOf(Answer.Failed.class);
        return ((Answer.Failed) answers.byEmail().get(email(email))).failure();
    }
}
