package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.EmailId;
import org.postbus.topic.MutationNotification;
import org.postbus.topic.Topics;

/** Storing mutations, singly and in batches, and their queue. */
class MutationsIT extends GatewayTest {
    @Test
    void a_mutation_is_notified_with_its_account() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "notified");

        // When
        patched(email, "{\"keywords\":{\"$seen\":true}}");

        // Then
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(TopicRecords.all(kafka, Topics.MUTATIONS))
                        .anySatisfy(record -> {
                            assertThat(record.key()).isEqualTo(account.toString());
                            assertThat(EventCodec.decode(record.value(), MutationNotification.class))
                                    .isEqualTo(new MutationNotification(tenant, account));
                        }));
    }

    @Test
    void the_queue_is_listed_oldest_first_and_by_state() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "many");
        List<String> mutations = IntStream.range(0, 5)
                .mapToObj(i -> patched(email, "{\"keywords\":{\"k" + i + "\":true}}"))
                .toList();
        setState(mutations.get(2), "failed");

        // When
        JsonNode first = api.get(accountPath() + "/mutations?limit=3").json();
        JsonNode second = api.get(accountPath() + "/mutations?limit=3&cursor="
                        + first.get("next").asText())
                .json();
        JsonNode failed = api.get(accountPath() + "/mutations?state=failed").json();

        // Then
        assertThat(ids(first)).isEqualTo(mutations.subList(0, 3));
        assertThat(ids(second)).isEqualTo(mutations.subList(3, 5));
        assertThat(second.has("next")).isFalse();
        assertThat(ids(failed)).containsExactly(mutations.get(2));
        assertThat(failed.at("/list/0/patch").toString()).contains("\"k2\"");
        assertThat(failed.at("/list/0/emailId").asText()).isEqualTo(email.toString());
        assertThat(failed.at("/list/0/error").asText()).isEqualTo("why");
    }

    @ParameterizedTest
    @CsvSource({
        // state, retry, discard
        "queued,    202, 204",
        "sending,   409, 409",
        "applied,   409, 409",
        "confirmed, 409, 409",
        "rejected,  409, 204",
        "failed,    202, 204",
        "in-doubt,  202, 204",
    })
    void the_state_of_a_mutation_decides_whether_it_can_be_retried_or_discarded(
            String state, int retried, int discarded) {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, state);
        String retry = patched(email, "{\"keywords\":{\"a\":true}}");
        String discard = patched(email, "{\"keywords\":{\"b\":true}}");
        setState(retry, state);
        setState(discard, state);

        // When
        Answer retryAnswer = api.call("POST", mutationPath(retry) + "/retry", null);
        Answer discardAnswer = api.call("DELETE", mutationPath(discard), null);

        // Then
        assertThat(retryAnswer.status()).isEqualTo(retried);
        assertThat(discardAnswer.status()).isEqualTo(discarded);
        JsonNode left = api.get(accountPath() + "/mutations").json();
        assertThat(ids(left).contains(discard)).isEqualTo(discarded == 409);
        assertThat(api.get(accountPath() + "/changes").json().get("list").findValuesAsText("mutationId"))
                .isEqualTo(discarded == 204 ? List.of(discard) : List.of());
        assertThat(left.at("/list/0/state").asText()).isEqualTo(retried == 202 ? "queued" : state);
        assertThat(left.at("/list/0/attempts").asInt()).isEqualTo(retried == 202 ? 0 : 3);
    }

    /** Outbound has claimed it, and is connecting to the server: no command was sent yet. */
    @Test
    void a_mutation_that_was_never_sent_can_be_discarded() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "connecting");
        String unsent = patched(email, "{\"keywords\":{\"a\":true}}");
        String sent = patched(email, "{\"keywords\":{\"b\":true}}");
        String ofEarlierVersion = patched(email, "{\"keywords\":{\"c\":true}}");
        for (String mutation : List.of(unsent, sent, ofEarlierVersion)) {
            setState(mutation, "sending");
        }
        stored.update("update pending_changes set sent = false where mutation_id = ?", UUID.fromString(unsent));
        stored.update("update pending_changes set sent = true where mutation_id = ?", UUID.fromString(sent));

        // Then
        assertThat(api.call("DELETE", mutationPath(unsent), null).status()).isEqualTo(204);
        assertThat(api.call("DELETE", mutationPath(sent), null).status()).isEqualTo(409);
        assertThat(api.call("DELETE", mutationPath(ofEarlierVersion), null).status())
                .isEqualTo(409);
        assertThat(api.get(accountPath() + "/changes").json().get("list").findValuesAsText("mutationId"))
                .containsExactly(unsent);
    }

    @Test
    void a_mutation_that_waits_for_its_server_shows_why_and_until_when_and_a_retry_ends_the_wait() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "held");
        String mutation = patched(email, "{\"keywords\":{\"a\":true}}");
        stored.update(
                "insert into outbound_hold (account_id, queue, tenant_id, revision, reason, error, failures, since, next_try_at)"
                        + " values (?, 'mutations', ?, 1, 'unreachable', 'no route', 9, '2026-01-01T12:00:00Z', '2099-01-01T12:00:00Z')",
                account.value(),
                tenant.value());

        // When
        JsonNode held = api.get(accountPath() + "/mutations").json().at("/list/0");
        Answer retried = api.call("POST", mutationPath(mutation) + "/retry", null);
        JsonNode tried = api.get(accountPath() + "/mutations").json().at("/list/0");
        Answer discarded = api.call("DELETE", mutationPath(mutation), null);

        // Then
        assertThat(held.path("state").asText()).isEqualTo("queued");
        assertThat(held.path("nextTryAt").asText()).isEqualTo("2099-01-01T12:00:00Z");
        assertThat(held.path("error").asText()).isEqualTo("no route");
        assertThat(held.path("hold").toString())
                .isEqualTo("{\"reason\":\"unreachable\",\"since\":\"2026-01-01T12:00:00Z\"}");
        assertThat(retried.status()).isEqualTo(202);
        assertThat(tried.path("nextTryAt").asText()).isLessThan("2099");
        assertThat(stored.value("select next_try_at <= now() from outbound_hold where account_id = ?", account.value()))
                .isEqualTo(true);
        assertThat(discarded.status()).isEqualTo(204);
    }

    @Test
    void a_batch_changes_each_valid_email() {
        // Given
        EmailId seen = stored.email(tenant, account, inbox, NOON, "seen");
        EmailId moved = stored.email(tenant, account, inbox, NOON.plusSeconds(1), "moved");
        EmailId destroyed = stored.email(tenant, account, inbox, NOON.plusSeconds(2), "destroyed");
        EmailId nowhere = stored.email(tenant, account, inbox, NOON.plusSeconds(3), "nowhere");
        UUID unknown = UUID.randomUUID();

        // When
        Answer answer =
                batch(Optional.empty(), """
                {"update": {"%s": {"keywords": {"$seen": true}},
                            "%s": {"mailboxIds": {"%s": null, "%s": true}},
                            "%s": {"mailboxIds": {"%s": null}},
                            "%s": {"keywords": {"$seen": true}}},
                 "destroy": ["%s"]}""".formatted(seen, moved, inbox, archive, nowhere, inbox, unknown, destroyed));

        // Then
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        JsonNode json = answer.json();
        assertThat(names(json.get("mutationIds")))
                .containsExactlyInAnyOrder(seen.toString(), moved.toString(), destroyed.toString());
        assertThat(json.at("/refused/" + nowhere + "/type").asText()).isEqualTo("invalidProperties");
        assertThat(json.at("/refused/" + unknown + "/type").asText()).isEqualTo("notFound");
        assertThat(ids(api.get(accountPath() + "/mutations").json()))
                .containsExactlyInAnyOrderElementsOf(
                        StreamSupport.stream(json.get("mutationIds").spliterator(), false)
                                .map(JsonNode::asText)
                                .toList());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(moved.toString());
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(nowhere.toString(), seen.toString());
        assertThat(api.get(emailPath(seen)).json().at("/keywords/$seen").asBoolean())
                .isTrue();
    }

    @Test
    void a_malformed_batch_stores_nothing() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "stays");
        String many = IntStream.range(0, 1_001)
                .mapToObj(i -> "\"" + UUID.randomUUID() + "\"")
                .collect(Collectors.joining(","));

        // Then
        assertPointer(
                batch(Optional.empty(), "{\"update\":{\"%s\":{\"keywords\":{\"a b\":true}}}}".formatted(email)),
                "#/update/" + email + "/keywords/a b");
        assertPointer(batch(Optional.empty(), "{\"update\":{\"x\":{}}}"), "#/update/x");
        assertPointer(batch(Optional.empty(), "{\"destroy\":[\"%s\",\"%s\"]}".formatted(email, email)), "#/destroy/1");
        assertPointer(batch(Optional.empty(), "{\"destroy\":[" + many + "]}"), "#");
        assertPointer(batch(Optional.empty(), "{\"destroy\":{}}"), "#/destroy");
        assertPointer(batch(Optional.empty(), "{\"create\":{}}"), "#/create");
        assertPointer(batch(Optional.empty(), "{}"), "#");
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", account.value()))
                .isEqualTo(0L);
    }

    @Test
    void one_batch_changes_a_thousand_emails() {
        // Given
        List<EmailId> emails = IntStream.range(0, 1_000)
                .mapToObj(i -> stored.bodiless(tenant, account, 1, Optional.empty(), Optional.empty()))
                .toList();

        // When
        Answer answer = batch(
                Optional.empty(),
                "{\"update\":{"
                        + emails.stream()
                                .map(email -> "\"" + email + "\":{\"keywords\":{\"$seen\":true}}")
                                .collect(Collectors.joining(","))
                        + "}}");

        // Then
        assertThat(answer.json().get("mutationIds")).hasSize(1_000);
        assertThat(answer.json().get("refused")).isEmpty();
    }

    @Test
    void a_request_with_a_repeated_idempotency_key_is_answered_and_not_repeated() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "once");
        Optional<String> key = Optional.of("k-" + UUID.randomUUID());
        String body = "{\"update\":{\"%s\":{\"keywords\":{\"$seen\":true}}}}".formatted(email);

        // When
        Answer first = batch(key, body);
        Answer again = batch(key, body);
        Answer other = batch(key, body.replace("seen", "flagged"));

        // Then
        assertThat(first.status()).isEqualTo(202);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.json()).isEqualTo(first.json());
        assertProblem(other, 422, "another body");
        assertThat(ids(api.get(accountPath() + "/mutations").json())).hasSize(1);

        // When
        Optional<String> single = Optional.of("s-" + UUID.randomUUID());
        JsonNode patched = api.call("PATCH", emailPath(email), "{\"keywords\":{\"a\":true}}", MERGE_PATCH, single)
                .json();
        JsonNode patchedAgain = api.call("PATCH", emailPath(email), "{\"keywords\":{\"a\":true}}", MERGE_PATCH, single)
                .json();

        // Then
        assertThat(patched.get("mutationId").asText()).isNotBlank();
        assertThat(patchedAgain).isEqualTo(patched);
        assertProblem(api.call("DELETE", emailPath(email), null, MERGE_PATCH, single), 422, "another method");
        assertProblem(api.call("DELETE", emailPath(email), null, MERGE_PATCH, Optional.of("a b")), 400, "no key");
        assertThat(ids(api.get(accountPath() + "/mutations").json())).hasSize(2);
    }

    @Test
    void a_request_is_refused_while_another_one_with_its_key_is_running() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "at once");
        String key = "k-" + UUID.randomUUID();
        String body = "{\"destroy\":[\"%s\"]}".formatted(email);
        String lock = "(hashtextextended('idempotency/" + tenant + "/" + key + "', 0))::text";
        stored.value("select pg_advisory_lock" + lock);

        // When
        Answer during = batch(Optional.of(key), body);
        stored.value("select pg_advisory_unlock" + lock);
        Answer afterwards = batch(Optional.of(key), body);

        // Then
        assertProblem(during, 409, "running");
        assertThat(afterwards.status()).isEqualTo(202);
    }

    @Test
    void all_mutations_are_retried_or_discarded_by_state() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "many");
        List<String> states = List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt");
        for (String state : states) {
            setState(patched(email, "{\"keywords\":{\"%s\":true}}".formatted(state)), state);
        }

        // When
        Answer retried = api.call("POST", accountPath() + "/mutations/retry", null);

        // Then
        assertThat(retried.json().get("retried").asInt()).isEqualTo(2);
        assertThat(states())
                .containsExactly("queued", "sending", "applied", "confirmed", "rejected", "queued", "in-doubt");

        // When
        Answer discarded = api.call("DELETE", accountPath() + "/mutations", null);
        Answer named = api.call("DELETE", accountPath() + "/mutations?state=in-doubt&state=queued", null);

        // Then
        assertThat(discarded.json().get("discarded").asInt()).isEqualTo(1);
        assertThat(named.json().get("discarded").asInt()).isEqualTo(3);
        assertThat(states()).containsExactly("sending", "applied", "confirmed");
        assertProblem(api.call("DELETE", accountPath() + "/mutations?state=applied", null), 400, "too late");
        assertProblem(api.call("POST", accountPath() + "/mutations/retry?state=rejected", null), 400, "for good");
    }

    @Test
    void retrying_one_mutation_ends_the_hold_on_the_others() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "held");
        String held = patched(email, "{\"keywords\":{\"a\":true}}");
        String failed = patched(email, "{\"keywords\":{\"b\":true}}");
        setState(failed, "failed");
        stored.update(
                "update pending_changes set held_at_revision = 1, next_try_at = now() + interval '5 minutes' where mutation_id = ?",
                UUID.fromString(held));

        // When
        Answer answer = api.call("POST", mutationPath(failed) + "/retry", null);

        // Then
        assertThat(answer.status()).isEqualTo(202);
        assertThat(stored.value(
                        "select count(*) from pending_changes where account_id = ? and next_try_at <= now() and held_at_revision is null",
                        account.value()))
                .isEqualTo(2L);
    }

    private Answer batch(Optional<String> idempotencyKey, String body) {
        return api.call("POST", accountPath() + "/emails/batch", body, ApiCaller.JSON, idempotencyKey);
    }

    private List<String> states() {
        return StreamSupport.stream(
                        api.get(accountPath() + "/mutations").json().get("list").spliterator(), false)
                .map(mutation -> mutation.get("state").asText())
                .toList();
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private void setState(String mutation, String state) {
        stored.update(
                "update pending_changes set state = ?, attempts = 3, error = 'why' where mutation_id = ?",
                state,
                UUID.fromString(mutation));
    }
}
