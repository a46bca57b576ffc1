package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/**
 * What belongs to another tenant is answered as what does not exist: for each operation of the OpenAPI document and each id in its path, and
 * for each id in a body.
 */
class IsolationIT extends GatewayTest {
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{(\\w+)}");
    private static final String TABLES = """
            select md5(string_agg(line, ',' order by line)) from (
              select row(email, settings, status, revision)::text from account where tenant_id = ?1
              union all select row(name, path)::text from mailbox where tenant_id = ?1
              union all select row(email_id, keywords)::text from email where tenant_id = ?1
              union all select row(mutation_id, state)::text from pending_changes where tenant_id = ?1
              union all select row(quarantine_id, next_try_at)::text from quarantined_message where tenant_id = ?1
              union all select row(submission_id, state)::text from submission where tenant_id = ?1
              union all select row(key_id, revoked_at, expires_at)::text from api_key where tenant_id = ?1
              union all select row(name, status)::text from tenant where tenant_id = ?1) lines (line)""";

    @Test
    void foreign_ids_in_a_path_are_answered_as_unknown_ids() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        AccountId theirAccount = createAccount(theirs);
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        Map<String, String> foreign = Map.of(
                "accountId", account.toString(),
                "emailId", email.toString(),
                "mailboxId", archive.toString(),
                "mutationId", patched(email, "{\"keywords\":{\"$seen\":true}}"),
                "submissionId", submission(),
                "keyId", keyId(createKey(tenant, "\"scopes\": [\"read\"]")),
                "tenantId", tenant.toString(),
                "quarantineId", quarantined(),
                "partId", "1");
        String before = rows();
        int compared = 0;
        for (Operation operation : operations()) {
            for (String named : placeholders(operation)) {
                if (named.equals("partId")) {
                    continue;
                }
                Function<String, String> own = name -> switch (name) {
                    case "accountId" -> theirAccount.toString();
                    case "tenantId" -> theirKey.tenant().toString();
                    default -> foreign.get(name);
                };
                String unknown = id().toString();

                // When
                Answer answer =
                        call(theirs, operation, name -> name.equals(named) ? foreign.get(name) : own.apply(name));
                Answer expected = call(theirs, operation, name -> name.equals(named) ? unknown : own.apply(name));

                // Then
                assertThat(answer.status())
                        .as("%s with a foreign %s: %s", operation, named, answer.json())
                        .isEqualTo(operation.path().startsWith("/v1/admin/") ? 403 : 404);
                assertThat(answer.response().body().replace(foreign.get(named), unknown))
                        .as("%s with a foreign %s", operation, named)
                        .isEqualTo(expected.response().body());
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(40);
        assertThat(rows()).isEqualTo(before);
    }

    @Test
    void foreign_ids_in_a_body_are_answered_as_unknown_ids() {
        // Given
        ApiCaller theirs = caller(gateway, theirKey);
        AccountId theirAccount = createAccount(theirs);
        EmailId own = stored.email(
                theirKey.tenant(),
                theirAccount,
                stored.mailbox(theirKey.tenant(), theirAccount, "INBOX"),
                NOON,
                "theirs");
        EmailId email = stored.email(tenant, account, inbox, NOON, "ours");
        String before = rows();
        String path = "/v1/accounts/" + theirAccount;
        record Body(String method, String path, String format, UUID foreign) {}
        List<Body> bodies = List.of(
                new Body("PATCH", path + "/emails/" + own, "{\"mailboxIds\": {\"%s\": true}}", archive.value()),
                new Body("POST", path + "/emails/batch", "{\"destroy\": [\"%s\"]}", email.value()),
                new Body(
                        "POST",
                        path + "/emails/batch",
                        "{\"update\": {\"%s\": {\"keywords\": {\"$seen\": true}}}}",
                        email.value()),
                new Body("POST", path + "/mailboxes", "{\"name\": \"x\", \"parentId\": \"%s\"}", inbox.value()),
                new Body(
                        "POST",
                        path + "/submissions",
                        "{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"Hi\", \"inReplyTo\": \"%s\"}",
                        email.value()));

        for (Body body : bodies) {
            // When
            UUID unknown = id();
            Answer answer = theirs.call(
                    body.method(), body.path(), body.format().formatted(body.foreign()), type(body.method()));
            Answer expected =
                    theirs.call(body.method(), body.path(), body.format().formatted(unknown), type(body.method()));

            // Then
            assertThat(answer.status()).as("%s: %s", body, answer.json()).isEqualTo(expected.status());
            assertThat(answer.response().body().replace(body.foreign().toString(), unknown.toString()))
                    .as("%s", body)
                    .isEqualTo(expected.response().body());
        }
        assertThat(rows()).isEqualTo(before);
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", theirAccount.value()))
                .isEqualTo(0L);
    }

    private static String type(String method) {
        return method.equals("PATCH") ? MERGE_PATCH : ApiCaller.JSON;
    }

    private static Answer call(ApiCaller caller, Operation operation, Function<String, String> ids) {
        String path = PLACEHOLDER
                .matcher(operation.path())
                .replaceAll(found -> Matcher.quoteReplacement(Optional.ofNullable(ids.apply(found.group(1)))
                        .orElseThrow(() -> new AssertionError("a new kind of id: " + operation))));
        return operation.at(caller, path);
    }

    private static List<String> placeholders(Operation operation) {
        List<String> names = new ArrayList<>();
        PLACEHOLDER.matcher(operation.path()).results().forEach(found -> names.add(found.group(1)));
        return names;
    }

    private String quarantined() {
        stored.update("""
                insert into quarantined_message (account_id, tenant_id, mailbox_id, uidvalidity, uid, reason)
                values (?, ?, ?, 7, 99, 'NO')""", account.value(), tenant.value(), inbox.value());
        return stored.value("select quarantine_id from quarantined_message where account_id = ?", account.value())
                .toString();
    }

    private String submission() {
        assertThat(api.call(
                                "PATCH",
                                accountPath(),
                                "{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 1025, \"tls\": \"none\"}}",
                                MERGE_PATCH)
                        .status())
                .isBetween(200, 204);
        Answer answer = api.call(
                "POST",
                accountPath() + "/submissions",
                "{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"Hi\", \"sendAt\": \"2099-01-01T08:00:00Z\"}");
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        return answer.json().get("submissionId").asText();
    }

    /** A digest of what the API could change of the tenant. */
    private String rows() {
        UUID id = tenant.value();
        return (String) stored.value(TABLES.replace("?1", "'" + id + "'"));
    }
}
