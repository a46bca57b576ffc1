package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.mail.jmap.fake.FakeJmapServer;

/** Messages to be sent. */
class SubmissionsIT extends GatewayTest {
    @Test
    void a_message_is_stored_once_and_can_be_canceled() {
        // Given
        addSmtp();
        String body = """
                {"to": [{"name": "Bob", "email": "bob@example.com"}], "bcc": [{"email": "carol@example.com"}],
                 "subject": "Grüße", "text": "Hi Bob", "sendAt": "2099-01-01T08:00:00Z"}""";

        // When
        Answer first = submit(body, "key-1");
        Answer again = submit(body, "key-1");
        Answer other = submit(body.replace("Hi", "Hello"), "key-1");

        // Then
        assertThat(first.status()).as("%s", first.json()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertProblem(other, 422, "the same key with another body");
        String path = accountPath() + "/submissions/"
                + first.json().get("submissionId").asText();
        JsonNode stored = api.get(path).json();
        assertThat(stored.path("state").asText()).isEqualTo("queued");
        assertThat(stored.path("subject").asText()).isEqualTo("Grüße");
        assertThat(stored.path("mailFrom").asText()).isEqualTo("alice@example.com");
        assertThat(stored.at("/recipients/1/email").asText()).isEqualTo("carol@example.com");
        assertThat(stored.path("sendAt").asText()).isEqualTo("2099-01-01T08:00:00Z");
        assertThat(api.get(accountPath() + "/submissions?state=queued").json().path("list"))
                .hasSize(1);

        // When
        Answer retried = api.call("POST", path + "/retry", null);
        Answer canceled = api.call("DELETE", path, null);

        // Then
        assertProblem(retried, 409, "nothing has failed");
        assertThat(canceled.status()).isEqualTo(204);
        assertThat(api.get(path).json().path("state").asText()).isEqualTo("canceled");
        assertProblem(api.call("DELETE", path, null), 409, "canceled already");
        assertThat(api.get(accountPath() + "/changes").json().toString())
                .containsSubsequence("submission.queued", "submission.canceled");
    }

    @Test
    void a_message_that_waits_for_another_try_shows_it_and_can_be_tried_now() {
        // Given
        addSmtp();
        String message = "{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"Hi\"}";
        String refused = submit(message, null).json().get("submissionId").asText();
        String behind = submit(message, null).json().get("submissionId").asText();
        stored.update(
                "update submission set attempts = 7, error = '451 come back later', next_try_at = '2099-01-01T08:00:00Z'"
                        + " where submission_id = ?",
                UUID.fromString(refused));
        String path = accountPath() + "/submissions/";

        // When
        JsonNode waiting = api.get(path + refused).json();
        Answer early = api.call("POST", path + behind + "/retry", null);
        Answer retried = api.call("POST", path + refused + "/retry", null);

        // Then
        assertThat(waiting.path("state").asText()).isEqualTo("queued");
        assertThat(waiting.path("attempts").asInt()).isEqualTo(7);
        assertThat(waiting.path("nextTryAt").asText()).isEqualTo("2099-01-01T08:00:00Z");
        assertThat(waiting.path("error").asText()).isEqualTo("451 come back later");
        assertThat(early.status()).as("it was not refused").isEqualTo(409);
        assertThat(retried.status()).isEqualTo(202);
        assertThat(api.get(path + refused).json().path("nextTryAt").asText()).isLessThan("2099");

        // When the server that sends is away
        stored.update(
                "insert into outbound_hold (account_id, queue, tenant_id, revision, reason, error, since, next_try_at)"
                        + " values (?, 'submissions', ?, 1, 'login-refused', '535 no', '2026-01-01T12:00:00Z', '2099-01-01T12:00:00Z')",
                account.value(),
                tenant.value());
        JsonNode held = api.get(path + behind).json();

        // Then
        assertThat(held.path("nextTryAt").asText()).isEqualTo("2099-01-01T12:00:00Z");
        assertThat(held.path("error").asText()).isEqualTo("535 no");
        assertThat(held.at("/hold/reason").asText()).isEqualTo("login-refused");
        assertThat(api.call("POST", path + behind + "/retry", null).status()).isEqualTo(202);
        assertThat(api.get(path + behind).json().path("nextTryAt").asText()).isLessThan("2099");
    }

    @Test
    void the_recipients_of_a_raw_message_are_read_from_its_header() {
        addSmtp();

        Answer answer = api.call(
                "POST",
                accountPath() + "/submissions",
                "From: alice@example.com\nTo: bob@example.com\nMessage-ID: <m@example.com>\nSubject: raw\n\nHi\n",
                "message/rfc822");

        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        JsonNode stored = api.get(accountPath() + "/submissions/"
                        + answer.json().get("submissionId").asText())
                .json();
        assertThat(stored.path("messageId").asText()).isEqualTo("m@example.com");
        assertThat(stored.at("/recipients/0/email").asText()).isEqualTo("bob@example.com");
    }

    @Test
    void a_message_that_can_not_be_sent_is_a_problem() {
        assertProblem(submit("{\"to\": [{\"email\": \"bob@example.com\"}]}", null), 422, "no SMTP server");
        addSmtp();
        assertProblem(submit("{\"subject\": \"s\"}", null), 422, "no recipient");
        assertProblem(submit("{\"to\": [{\"email\": \"bob@example.com>\\r\\nRCPT TO:<x@y\"}]}", null), 422, "address");
        assertProblem(
                submit("{\"to\": [{\"email\": \"bob@example.com\"}], \"subject\": \"s\\r\\nBcc: x@y\"}", null),
                422,
                "a header in the subject");
        assertProblem(api.get(accountPath() + "/submissions?state=x"), 400, "no such state");
        assertProblem(api.get(accountPath() + "/submissions/" + account), 404, "no such submission");
    }

    @Test
    void a_jmap_account_can_send_if_its_server_offers_submission_or_is_unreachable() {
        Vertx vertx = Vertx.vertx();
        FakeJmapServer server = FakeJmapServer.start(vertx);
        try {
            String asked = submissionsOfNewAccount(server);
            String notAsked = submissionsOfNewAccount(server);
            String message = "{\"to\": [{\"email\": \"ann@example.com\"}], \"text\": \"Hi\"}";

            Answer refused = api.call("POST", asked, message);
            server.offerSubmission();
            Answer taken = api.call("POST", asked, message);
            server.close();
            Answer away = api.call("POST", notAsked, message);

            assertProblem(refused, 422, "not offered");
            assertThat(refused.json().toString()).contains("urn:ietf:params:jmap:submission");
            assertThat(List.of(taken.status(), away.status())).containsExactly(202, 202);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    private String submissionsOfNewAccount(FakeJmapServer server) {
        Answer added = api.call("POST", "/v1/accounts", """
                {"allowDuplicate": true, "protocol": "jmap", "email": "%s", "password": "%s", "jmap": {"sessionUrl": "%s"}}""".formatted(
                        FakeJmapServer.USER, FakeJmapServer.PASSWORD, server.sessionUrl()));
        return "/v1/accounts/" + added.json().get("id").asText() + "/submissions";
    }

    private void addSmtp() {
        Answer changed = api.call(
                "PATCH",
                accountPath(),
                "{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 1025, \"tls\": \"none\"}}",
                MERGE_PATCH);
        assertThat(changed.status()).as("%s", changed.json()).isBetween(200, 204);
    }

    private Answer submit(String body, String key) {
        return api.call("POST", accountPath() + "/submissions", body, "application/json", Optional.ofNullable(key));
    }
}
