package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.topic.Topics;

/** Content from servers that refuse, move messages, close connections or are unreachable. */
class UnreliableServersIT extends ContentTest {
    @Test
    void parts_are_decoded_by_the_server_or_by_the_gateway() throws IOException {
        // Given
        stub = new ImapStub("IMAP4rev1 BINARY", (command, out) -> {
            if (command.contains("BODYSTRUCTURE")) {
                String part = "(\"application\" \"zip\" NIL NIL NIL \"base64\" 8 NIL NIL NIL NIL)";
                ImapStub.write(
                        out, "* 1 FETCH (UID 5 BODYSTRUCTURE (" + part + part + " \"mixed\" NIL NIL NIL NIL))\r\n");
            } else if (command.contains("BINARY.PEEK[1]")) {
                ImapStub.write(out, "* 1 FETCH (UID 5 BINARY[1] ~{4}\r\nab\0d)\r\n");
            } else if (command.contains("BINARY.PEEK[2]")) {
                return "NO [UNKNOWN-CTE] cannot decode it";
            } else {
                ImapStub.write(out, "* 1 FETCH (UID 5 BODY[2] {8}\r\nYWJjZA==)\r\n");
            }
            return "OK done";
        });
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 4, ImapStub.UID_VALIDITY, 5);

        // When
        HttpResponse<byte[]> decoded = download(path(account, email) + "/attachments/1");
        HttpResponse<byte[]> encoded = download(path(account, email) + "/attachments/2");

        // Then
        assertThat(text(decoded)).isEqualTo("ab\0d");
        assertThat(header(decoded, "Content-Length")).isEqualTo("4");
        assertThat(text(encoded)).isEqualTo("abcd");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "* 1 FETCH (UID 5 BODYSTRUCTURE NIL)",
                "* 1 FETCH (UID 5 BODYSTRUCTURE ((((((",
                "* 1 FETCH (UID 5 BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL))",
                "NO"
            })
    void a_part_that_the_structure_does_not_show_is_read_from_the_raw_message(String structure) throws IOException {
        // Given
        String raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
                + "Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJjZA==\r\n--b--\r\n";
        stub = new ImapStub((command, out) -> {
            if (!command.contains("BODYSTRUCTURE")) {
                ImapStub.write(out, "* 1 FETCH (UID 5 BODY[]<0> {" + raw.length() + "}\r\n" + raw + ")\r\n");
            } else if (structure.equals("NO")) {
                return "NO cannot parse it";
            } else {
                ImapStub.write(out, structure + "\r\n");
            }
            return "OK done";
        });
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, raw.length(), ImapStub.UID_VALIDITY, 5);
        stored.update(
                "insert into email_body (account_id, email_id, tenant_id, body) values (?, ?, ?, ?::jsonb)",
                account.value(),
                email.value(),
                key.tenant().value(),
                "{\"textBody\": [], \"htmlBody\": [], \"bodyValues\": {}, \"attachments\": [{\"partId\": \"2\", \"size\": 4,"
                        + " \"type\": \"application/zip\", \"name\": \"a.zip\", \"disposition\": \"attachment\"}]}");

        // When
        HttpResponse<byte[]> part = download(path(account, email) + "/attachments/2");
        HttpResponse<byte[]> none = download(path(account, email) + "/attachments/7");

        // Then
        assertThat(part.statusCode()).isEqualTo(200);
        assertThat(text(part)).isEqualTo("abcd");
        assertThat(none.statusCode()).isEqualTo(404);
        assertThat(stub.openConnections()).isEqualTo(1);
    }

    @Test
    void a_message_is_searched_in_all_locations_and_a_sync_is_requested_if_it_is_in_none() throws IOException {
        // Given
        stub = new ImapStub((command, out) -> {
            ImapStub.write(out, "* 1 FETCH (UID 5 BODY[] {4}\r\nmail)\r\n");
            return "OK done";
        });
        AccountId account = imapAccount(stub.port());
        EmailId moved = linked(account, 4, ImapStub.UID_VALIDITY - 1, 5);
        EmailId linkedTwice = linked(account, 4, ImapStub.UID_VALIDITY - 1, 5);
        stored.link(key.tenant(), account, linkedTwice, "Archive", ImapStub.UID_VALIDITY, 5);

        // When, Then
        assertThat(text(download(path(account, linkedTwice) + "/raw"))).isEqualTo("mail");
        assertThat(download(path(account, moved) + "/raw").statusCode()).isEqualTo(409);
        assertThat(stub.commands())
                .filteredOn(command -> command.startsWith("UID FETCH"))
                .hasSize(1);
        Awaitility.await()
                .atMost(SOON)
                .until(() -> TopicRecords.all(kafka, Topics.SYNC_REQUESTS).stream()
                        .anyMatch(record -> record.key().equals(account.toString())));
        assertThat(stub.openConnections())
                .as("one connection, kept for the next download")
                .isEqualTo(1);
    }

    @Test
    void a_connection_that_is_cut_fails_the_download() throws IOException {
        // Given
        stub = new ImapStub((command, out) -> {
            ImapStub.write(out, "* 1 FETCH (UID 5 BODY[] {1000000}\r\nbeginning");
            throw new IOException("hang up");
        });
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 1_000_000, ImapStub.UID_VALIDITY, 5);

        // When, Then
        assertThatThrownBy(() -> http.send(request(path(account, email) + "/raw"), BodyHandlers.ofByteArray()))
                .isInstanceOf(IOException.class);
    }

    /** Without the check of open requests it would end when the mail server has sent nothing for a minute. */
    @Test
    void a_revoked_key_ends_its_downloads_within_seconds() throws Exception {
        // Given
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch revoked = new CountDownLatch(1);
        stub = new ImapStub((command, out) -> {
            ImapStub.write(out, "* 1 FETCH (UID 5 BODY[] {1000000}\r\nbeginning");
            begun.countDown();
            await(revoked);
            throw new IOException("hang up");
        });
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 1_000_000, ImapStub.UID_VALIDITY, 5);
        ApiKey second = ApiKey.issue(stored.database(), "content");
        ApiCaller caller =
                new ApiCaller(http, gateway.url(), Optional.of(second.text().reveal()));
        CompletableFuture<HttpResponse<byte[]>> download =
                http.sendAsync(caller.request(path(account, email) + "/raw").build(), BodyHandlers.ofByteArray());
        assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();

        // When
        stored.update(
                "update api_key set revoked_at = now() where key_hash = sha256(convert_to(?, 'UTF8'))",
                second.text().reveal());

        // Then: the answer, which has begun, is cut off
        assertThatThrownBy(() -> download.get(6, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        // The gateway may have looked the key up just before it was revoked.
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .until(() -> caller.get("/v1/accounts").status() == 401);
        revoked.countDown();
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Test
    void a_refusal_of_the_server_is_reported() throws IOException {
        // Given
        stub = new ImapStub((command, out) -> "NO [SERVERBUG] cannot read it");
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 4, ImapStub.UID_VALIDITY, 5);

        // When
        Answer raw = api.get(path(account, email) + "/raw");
        Answer whole = api.get(path(account, email));

        // Then
        assertThat(raw.status()).as("%s", raw.json()).isIn(502, 503);
        assertThat(raw.json().get("detail").asText()).contains("cannot read it");
        assertThat(whole.status()).isEqualTo(200);
        assertThat(whole.json().at("/bodyMissing/detail").asText()).contains("cannot read it");
    }

    @Test
    void an_email_is_shown_without_its_body_while_the_mail_server_is_unreachable() throws IOException {
        // Given
        stub = new ImapStub((command, out) -> "OK done");
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 4, ImapStub.UID_VALIDITY, 5);
        stub.close();

        // When
        Answer whole = api.get(path(account, email));
        Answer raw = api.get(path(account, email) + "/raw");

        // Then
        assertThat(whole.status()).isEqualTo(200);
        assertThat(whole.json().get("subject").asText()).isEqualTo("without a body");
        assertThat(whole.json().has("bodyValues")).isFalse();
        assertThat(whole.json().at("/bodyMissing/reason").asText()).isEqualTo("server-away");
        assertThat(whole.json().at("/bodyMissing/retryAfter").asInt()).isPositive();
        assertThat(raw.status()).isEqualTo(503);
        assertThat(raw.contentType()).isEqualTo(Problem.MEDIA_TYPE);
        assertThat(raw.response().headers().firstValue("Retry-After")).isPresent();
    }
}
