package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/** Requests without a key, and requests for what belongs to another tenant. */
class TenantsIT extends GatewayTest {
    @Test
    void requests_without_a_valid_key_are_refused() {
        int addresses = 0;
        for (Operation operation : operations()) {
            for (Optional<String> key :
                    List.of(Optional.<String>empty(), Optional.of("pb_unknown"), Optional.of("x"))) {
                // When: each from an address of its own, because wrong keys are throttled by address
                ApiCaller caller = new ApiCaller(http, gateway.url(), key).from("10.66.0." + ++addresses % 250);
                Answer answer = operation.call(caller, account, id(), id());

                // Then
                assertProblem(answer, 401, operation);
                assertThat(answer.response().headers().firstValue("WWW-Authenticate"))
                        .isPresent();
            }
        }
    }

    /** The framework cuts matrix parameters off, and normalises paths in its own way: it must not find what was not authenticated. */
    @Test
    void no_spelling_of_a_path_leads_past_authentication() {
        ApiCaller nobody = new ApiCaller(http, gateway.url(), Optional.empty()).from("10.67.0.1");
        for (Operation operation : operations()) {
            String path = operation.path().replaceAll("\\{\\w+}", id().toString());
            for (String spelling : List.of(
                    path.replaceFirst("^/v1", "/v1;x=1"),
                    path.replaceFirst("^/v1/", "/v1/;x=1/"),
                    path.replaceFirst("^/v1/", "/v1;/"),
                    path + ";x=1",
                    path.replaceFirst("^/v1", "/%76%31"),
                    path.replaceFirst("^/v1", "/v1%3Bx=1"),
                    path.replaceFirst("^/v1", "//v1"),
                    path.replaceFirst("^/v1", "/./v1"),
                    path.replaceFirst("^/v1", "/x/../v1"))) {
                assertThat(operation.at(nobody, spelling).status())
                        .as("%s as %s", operation, spelling)
                        .isIn(401, 404);
            }
        }
    }

    @Test
    void objects_of_another_tenant_are_not_found() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        UUID mutation = UUID.fromString(patched(email, "{\"keywords\":{\"$seen\":true}}"));
        Object before = stored.value(
                "select row(email, settings, status, revision)::text from account where account_id = ?",
                account.value());
        List<Operation> operations =
                operations().stream().filter(Operation::namesAnAccount).toList();

        // When, Then
        assertThat(operations).hasSizeGreaterThan(10);
        for (Operation operation : operations) {
            assertProblem(operation.call(theirs, account, email.value(), mutation), 404, operation);
        }
        assertThat(theirs.get("/v1/accounts").json().toString()).doesNotContain(account.toString());
        assertProblem(theirs.get("/v1/events?accountId=" + account), 404, "events");
        assertThat(stored.value(
                        "select row(email, settings, status, revision)::text from account where account_id = ?",
                        account.value()))
                .isEqualTo(before);
        assertThat(api.get("/v1/accounts/" + account + "/emails/" + email).status())
                .isEqualTo(200);
    }

    @Test
    void ids_of_another_tenant_under_an_own_account_are_not_found() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        AccountId theirAccount = createAccount(theirs);
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        UUID mutation = UUID.fromString(patched(email, "{\"keywords\":{\"$seen\":true}}"));
        List<Operation> operations = operations().stream()
                .filter(operation -> operation.path().contains("{emailId}")
                        || operation.path().contains("{mutationId}"))
                .toList();

        // When, Then
        assertThat(operations).hasSizeGreaterThan(4);
        for (Operation operation : operations) {
            assertProblem(operation.call(theirs, theirAccount, email.value(), mutation), 404, operation);
        }
        assertProblem(theirs.get("/v1/accounts/" + theirAccount + "/emails?mailboxId=" + inbox), 404, "mailboxId");
    }

    @Test
    void invalid_ids_are_not_found() {
        for (Operation operation : operations()) {
            if (operation.namesAnAccount()) {
                assertProblem(operation.at(api, operation.path().replaceAll("\\{\\w+}", "not-an-id")), 404, operation);
            }
        }
    }

    @Test
    void a_revoked_key_is_refused() {
        // Given
        ApiKey revoked = ApiKey.issue(stored.database(), "revoked");
        stored.update(
                "update api_key set revoked_at = now() where tenant_id = ?",
                revoked.tenant().value());

        // Then
        assertProblem(caller(gateway, revoked).get("/v1/accounts"), 401, "revoked");
    }

    @Test
    void no_content_is_read_from_a_private_mail_server() {
        // Given
        EmailId email = stored.bodiless(tenant, account, 10, Optional.empty(), Optional.empty());
        stored.link(tenant, account, email, "INBOX", 1, 1);

        // When
        Answer raw = caller(strict, ourKey).get(emailPath(email) + "/raw");
        Answer whole = caller(strict, ourKey).get(emailPath(email));

        // Then
        assertProblem(raw, 503, "raw");
        assertThat(whole.json().at("/bodyMissing/detail").asText()).contains("ask the operator");
    }
}
