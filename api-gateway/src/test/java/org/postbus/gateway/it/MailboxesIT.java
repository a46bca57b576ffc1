package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;

/** Mailboxes, and mutations of mailboxes. */
class MailboxesIT extends GatewayTest {
    @Test
    void mailboxes_have_the_counts_of_the_server() {
        // When
        JsonNode list = api.get(accountPath() + "/mailboxes").json().get("list");

        // Then
        assertThat(list.findValuesAsText("path")).containsExactly("Archive", "INBOX");
        assertThat(list.get(1).get("id").asText()).isEqualTo(inbox.toString());
        assertThat(list.get(1).get("totalEmails").asInt()).isEqualTo(7);
        assertThat(list.get(1).get("unreadEmails").asInt()).isEqualTo(3);
    }

    @Test
    void mailbox_mutations_are_visible_until_they_are_discarded() {
        // Given
        List<String> before = List.of("Archive", "INBOX");
        assertThat(paths()).isEqualTo(before);
        EmailId email = stored.email(tenant, account, inbox, NOON, "files");

        // When
        JsonNode created = mutateMailbox("POST", "", "{\"name\":\"2026\",\"parentId\":\"" + archive + "\"}");
        String year = created.get("mailboxId").asText();
        mutateMailbox("PATCH", "/" + archive, "{\"name\":\"Old\"}");
        mutateMailbox("POST", "", "{\"name\":\"Gone\"}");
        patched(email, "{\"mailboxIds\":{\"" + year + "\":true,\"" + inbox + "\":null}}");

        // Then
        assertThat(paths()).containsExactly("Gone", "INBOX", "Old", "Old/2026");
        assertThat(listed(Optional.of(MailboxId.of(year)), 50)).containsExactly(email.toString());

        // When
        mutateMailbox("DELETE", "/" + year, null);
        mutateMailbox("PATCH", "/" + archive, "{\"parentId\":\"" + inbox + "\"}");

        // Then
        assertThat(paths()).containsExactly("Gone", "INBOX", "INBOX/Old");

        // When
        api.call("DELETE", accountPath() + "/mutations?state=queued", null);

        // Then
        assertThat(paths()).isEqualTo(before);
        assertThat(api.get(accountPath() + "/changes").json().toString()).contains("mutation.discarded");
    }

    /** The writer stores the server's mailbox and ends the mutation in one transaction: a reader must see one of the two. */
    @Test
    void a_mailbox_to_be_created_stays_visible_while_the_server_reports_it() throws Exception {
        // Given
        UUID made = UUID.fromString(mutateMailbox("POST", "", "{\"name\":\"Steady\"}")
                .get("mailboxId")
                .asText());
        AtomicBoolean enough = new AtomicBoolean();

        // When
        CompletableFuture<Void> echoes = CompletableFuture.runAsync(() -> {
            try (StoredMail writer = StoredMail.in(stored.database())) {
                while (!enough.get()) {
                    writer.connection().setAutoCommit(false);
                    writer.update("""
                            insert into mailbox (account_id, tenant_id, mailbox_id, server_key, name, path, total_emails, unread_emails)
                            values (?, ?, ?, 'name:Steady', 'Steady', 'Steady', 0, 0)""", account.value(), tenant.value(), made);
                    writer.update("update pending_changes set state = 'confirmed' where mailbox_id = ?", made);
                    writer.connection().commit();
                    writer.update("delete from mailbox where mailbox_id = ?", made);
                    writer.update("update pending_changes set state = 'queued' where mailbox_id = ?", made);
                    writer.connection().commit();
                }
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });

        // Then
        try {
            for (int i = 0; i < 300; i++) {
                assertThat(paths()).contains("Steady");
            }
        } finally {
            enough.set(true);
            echoes.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void an_invalid_mailbox_mutation_is_refused_with_a_pointer() {
        // Given
        String year = mutateMailbox("POST", "", "{\"name\":\"2026\",\"parentId\":\"" + archive + "\"}")
                .get("mailboxId")
                .asText();
        String mailboxes = accountPath() + "/mailboxes";

        // Then
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"Archive\"}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"a\\nb\"}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{}"), "#/name");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"x\",\"parentId\":\"" + id() + "\"}"), "#/parentId");
        assertPointer(api.call("POST", mailboxes, "{\"name\":\"x\",\"role\":\"sent\"}"), "#/role");
        assertPointer(
                api.call("PATCH", mailboxes + "/" + archive, "{\"parentId\":\"" + year + "\"}", MERGE_PATCH),
                "#/parentId");
        assertPointer(api.call("PATCH", mailboxes + "/" + archive, "{}", MERGE_PATCH), "#");
        assertPointer(api.call("DELETE", mailboxes + "/" + archive, null), "#");
        assertProblem(api.call("DELETE", mailboxes + "/" + id(), null), 404, "unknown");
    }

    private JsonNode mutateMailbox(String method, String path, String body) {
        Answer answer = api.call(method, accountPath() + "/mailboxes" + path, body);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(202);
        return answer.json();
    }

    private List<String> paths() {
        return api.get(accountPath() + "/mailboxes").json().get("list").findValuesAsText("path");
    }
}
