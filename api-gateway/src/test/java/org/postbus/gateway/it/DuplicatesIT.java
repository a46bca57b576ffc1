package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;

/** A mailbox on a server is one account of a tenant. */
class DuplicatesIT extends GatewayTest {
    private static final int AT_ONCE = 50;

    private final String username = "carol-" + id();

    @Test
    void a_mailbox_is_added_once() {
        // Given
        String first = added(accountOf(username));

        // When
        Answer second = api.call("POST", "/v1/accounts", accountOf(username.toUpperCase()));

        // Then
        assertProblem(second, 409, "second");
        assertThat(second.json().get("detail").asText()).contains(first).contains("allowDuplicate");
        assertThat(caller(gateway, theirKey)
                        .call("POST", "/v1/accounts", accountOf(username))
                        .status())
                .isEqualTo(201);
    }

    @Test
    void a_second_account_is_added_on_request() {
        // Given
        String first = added(accountOf(username));
        String second = added(allowing(accountOf(username)));

        // When
        Answer third = api.call("POST", "/v1/accounts", accountOf(username));
        api.call("DELETE", "/v1/accounts/" + first, null);
        Answer afterwards = api.call("POST", "/v1/accounts", accountOf(username));

        // Then
        assertProblem(third, 409, "third");
        assertThat(third.json().get("detail").asText()).contains(first);
        assertProblem(afterwards, 409, "afterwards");
        assertThat(afterwards.json().get("detail").asText()).contains(second);
        api.call("DELETE", "/v1/accounts/" + second, null);
        added(accountOf(username));
    }

    @Test
    void a_change_makes_no_duplicate() {
        // Given
        String first = added(accountOf(username));
        String second = added(accountOf(username + "2"));
        String patch = "{\"username\": \"" + username + "\"}";

        // When
        Answer refused = api.call("PATCH", "/v1/accounts/" + second, patch, MERGE_PATCH);
        Answer unrelated = api.call("PATCH", "/v1/accounts/" + second, "{\"password\": \"new\"}", MERGE_PATCH);
        Answer allowed = api.call("PATCH", "/v1/accounts/" + second, allowing(patch), MERGE_PATCH);

        // Then
        assertProblem(refused, 409, "refused");
        assertThat(refused.json().get("detail").asText()).contains(first);
        assertThat(unrelated.status()).isEqualTo(200);
        assertThat(allowed.status()).isEqualTo(200);
        assertThat(allowed.json().get("username").asText()).isEqualTo(username);
    }

    @Test
    void of_many_additions_at_once_one_succeeds() {
        // When
        List<Integer> statuses = IntStream.range(0, AT_ONCE)
                .mapToObj(i -> callAsync("POST", "/v1/accounts", accountOf(username)))
                .toList()
                .stream()
                .map(answer -> answer.join())
                .toList();

        // Then
        assertThat(statuses).containsOnly(201, 409);
        assertThat(statuses.stream().filter(status -> status == 201)).hasSize(1);
    }

    @Test
    void of_many_changes_at_once_one_succeeds() {
        // Given
        List<String> accounts = IntStream.range(0, 10)
                .mapToObj(i -> added(accountOf(username + "-" + i)))
                .toList();

        // When
        List<Integer> statuses = accounts.stream()
                .map(one -> callAsync("PATCH", "/v1/accounts/" + one, "{\"username\": \"" + username + "\"}"))
                .toList()
                .stream()
                .map(answer -> answer.join())
                .toList();

        // Then
        assertThat(statuses).containsOnly(200, 409);
        assertThat(statuses.stream().filter(status -> status == 200)).hasSize(1);
    }

    private String added(String body) {
        Answer answer = api.call("POST", "/v1/accounts", body);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        return answer.json().get("id").asText();
    }

    private static String allowing(String body) {
        return body.replaceFirst("\\{", "{\"allowDuplicate\": true, ");
    }
}
