package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;

/** Emails as readers see them, with open mutations applied. */
class EmailsIT extends GatewayTest {
    @Test
    void emails_are_listed_newest_first_and_once_for_any_page_size() {
        // Given: several emails of the same second
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            Instant receivedAt = NOON.plusSeconds(random.nextInt(10));
            MailboxId mailbox = random.nextInt(4) == 0 ? archive : inbox;
            ids.add(receivedAt + " " + stored.email(tenant, account, mailbox, receivedAt, "m" + i) + " " + mailbox);
        }
        ids.sort(Collections.reverseOrder());

        for (Optional<MailboxId> mailbox :
                List.of(Optional.<MailboxId>empty(), Optional.of(inbox), Optional.of(archive))) {
            for (int limit : List.of(3, 7, 500)) {
                // When
                List<String> listed = listed(mailbox, limit);

                // Then
                assertThat(listed)
                        .as("seed %d, %s, limit %d", seed, mailbox, limit)
                        .isEqualTo(ids.stream()
                                .filter(line -> mailbox.isEmpty()
                                        || line.endsWith(mailbox.get().toString()))
                                .map(line -> line.split(" ")[1])
                                .toList());
            }
        }
    }

    @Test
    void an_email_is_shown_with_its_bodies() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "hello");

        // When
        JsonNode json = api.get(emailPath(email)).json();
        JsonNode listed = api.get(accountPath() + "/emails").json().at("/list/0");

        // Then
        assertThat(json.get("id").asText()).isEqualTo(email.toString());
        assertThat(json.get("subject").asText()).isEqualTo("hello");
        assertThat(json.at("/from/0/email").asText()).isEqualTo("alice@example.com");
        assertThat(json.get("receivedAt").asText()).isEqualTo("2026-03-01T12:00:00Z");
        assertThat(json.get("mailboxIds").toString()).isEqualTo("{\"" + inbox + "\":true}");
        assertThat(json.get("keywords").toString()).isEqualTo("{\"$flagged\":true}");
        assertThat(json.at("/bodyValues/1/value").asText()).isEqualTo("text of hello");
        assertThat(json.at("/textBody/0/partId").asText()).isEqualTo("1");
        assertThat(json.at("/htmlBody/0/type").asText()).isEqualTo("text/html");
        assertThat(json.at("/attachments/0/type").asText()).isEqualTo("application/pdf");
        assertThat(listed.has("bodyValues")).isFalse();
        assertThat(listed.get("preview").asText()).isEqualTo("preview");
    }

    @Test
    void an_email_without_a_stored_body_is_shown_without_it() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "huge");
        stored.update("delete from email_body where email_id = ?", email.value());

        // When
        Answer answer = api.get(emailPath(email));

        // Then
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().has("bodyValues")).isFalse();
    }

    @Test
    void an_unlinked_email_is_shown_in_the_mailbox_that_it_has_left() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "unlinked");
        stored.update("delete from email_mailbox where email_id = ?", email.value());
        stored.update(
                "update email set unlinked_pass = 1, unlinked_from = array[cast(? as uuid)] where email_id = ?",
                inbox.value(),
                email.value());

        // Then
        assertThat(api.get(emailPath(email)).status()).isEqualTo(200);
        assertThat(listed(Optional.empty(), 50)).containsExactly(email.toString());
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(email.toString());
    }

    @Test
    void a_mutation_is_visible_until_it_is_discarded() {
        // Given
        EmailId other = stored.email(tenant, account, inbox, NOON.plusSeconds(1), "stays");
        EmailId email = stored.email(tenant, account, inbox, NOON, "moves");
        EmailId archived = stored.email(tenant, account, archive, NOON.minusSeconds(1), "was there");

        // When
        String mutation = patched(email, """
                {"keywords": {"$Seen": true, "$flagged": null}, "mailboxIds": {"%s": true, "%s": null}}""".formatted(archive, inbox));

        // Then
        JsonNode json = api.get(emailPath(email)).json();
        assertThat(json.get("keywords").toString()).isEqualTo("{\"$seen\":true}");
        assertThat(json.get("mailboxIds").toString()).isEqualTo("{\"" + archive + "\":true}");
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(other.toString());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(email.toString(), archived.toString());
        assertThat(listed(Optional.of(archive), 1)).containsExactly(email.toString(), archived.toString());
        assertThat(listed(Optional.empty(), 50)).hasSize(3);

        // When
        assertThat(api.call("DELETE", mutationPath(mutation), null).status()).isEqualTo(204);

        // Then
        JsonNode again = api.get(emailPath(email)).json();
        assertThat(again.get("keywords").toString()).isEqualTo("{\"$flagged\":true}");
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(other.toString(), email.toString());
        assertThat(listed(Optional.of(archive), 50)).containsExactly(archived.toString());
    }

    @Test
    void the_last_of_several_mutations_is_visible() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "there and back");

        // When
        patched(email, "{\"mailboxIds\":{\"%s\":true,\"%s\":null}}".formatted(archive, inbox));
        patched(email, "{\"mailboxIds\":{\"%s\":null,\"%s\":true}}".formatted(archive, inbox));

        // Then
        assertThat(listed(Optional.of(inbox), 50)).containsExactly(email.toString());
        assertThat(listed(Optional.of(archive), 50)).isEmpty();
    }

    @Test
    void lists_with_open_mutations_agree_with_the_single_emails() {
        // Given
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<EmailId> emails = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            emails.add(stored.email(
                    tenant,
                    account,
                    random.nextBoolean() ? inbox : archive,
                    NOON.plusSeconds(random.nextInt(8)),
                    "m" + i));
        }
        for (int i = 0; i < 40; i++) {
            EmailId email = emails.get(random.nextInt(emails.size()));
            MailboxId to = random.nextBoolean() ? inbox : archive;
            MailboxId from = to.equals(inbox) ? archive : inbox;
            switch (random.nextInt(8)) {
                case 0 -> api.call("DELETE", emailPath(email), null);
                case 1, 2, 3 -> patch(email, "{\"mailboxIds\":{\"%s\":true,\"%s\":null}}".formatted(to, from));
                case 4 -> patch(email, "{\"mailboxIds\":{\"%s\":true}}".formatted(to));
                case 5 -> patch(email, "{\"mailboxIds\":{\"%s\":null}}".formatted(from));
                default -> patch(email, "{\"keywords\":{\"k%d\":true}}".formatted(i));
            }
        }
        // Some have ended, so they are not applied.
        stored.update(
                "update pending_changes set state = 'failed' where account_id = ? and get_byte(uuid_send(mutation_id), 15) % 3 = 0",
                account.value());

        for (MailboxId mailbox : List.of(inbox, archive)) {
            // When
            List<String> expected = emails.stream()
                    .map(email -> api.get(emailPath(email)))
                    .filter(answer -> answer.status() == 200
                            && answer.json().get("mailboxIds").has(mailbox.toString()))
                    .map(answer -> answer.json().get("receivedAt").asText() + " "
                            + answer.json().get("id").asText())
                    .sorted(Collections.reverseOrder())
                    .map(line -> line.split(" ")[1])
                    .toList();

            // Then
            assertThat(listed(Optional.of(mailbox), 4)).as("seed %d", seed).isEqualTo(expected);
            assertThat(listed(Optional.of(mailbox), 500)).as("seed %d", seed).isEqualTo(expected);
        }
    }

    @Test
    void a_destroyed_email_is_invisible_at_once() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "goes");

        // When
        Answer answer = api.call("DELETE", emailPath(email), null);

        // Then
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().get("mutationId").asText()).isNotBlank();
        assertProblem(api.get(emailPath(email)), 404, "destroyed");
        assertProblem(api.call("DELETE", emailPath(email), null), 404, "destroyed");
        assertThat(listed(Optional.of(inbox), 50)).isEmpty();
        assertThat(listed(Optional.empty(), 50)).isEmpty();
    }

    @Test
    void an_invalid_mutation_is_refused_with_a_pointer() {
        // Given
        EmailId email = stored.email(tenant, account, inbox, NOON, "stays");
        MailboxId elsewhere = stored.mailbox(tenant, createAccount(api), "Elsewhere");

        // Then
        assertPointer(patch(email, "{\"mailboxIds\":{\"%s\":null}}".formatted(inbox)), "#/mailboxIds");
        assertPointer(patch(email, "{\"mailboxIds\":{\"%s\":true}}".formatted(elsewhere)), "#/mailboxIds/" + elsewhere);
        assertPointer(patch(email, "{\"keywords\":{\"$seen\":false}}"), "#/keywords/$seen");
        assertPointer(patch(email, "{\"keywords\":{\"a b\":true}}"), "#/keywords/a b");
        assertPointer(patch(email, "{\"subject\":\"x\"}"), "#/subject");
        assertPointer(patch(email, "{}"), "#");
        assertPointer(patch(email, "[]"), "#");
        assertProblem(patch(email, "{"), 400, "not JSON");
        assertThat(stored.value("select count(*) from pending_changes where account_id = ?", account.value()))
                .isEqualTo(0L);
    }
}
