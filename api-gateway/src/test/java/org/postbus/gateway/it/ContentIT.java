package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/** Content from a real mail server, over IMAP and JMAP. */
class ContentIT extends ContentTest {
    private static final James.User CAROL = James.User.of("carol", PASSWORD);
    private static final String MESSAGE = """
            From: Alice <alice@example.com>
            Subject: two parts
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=x

            --x
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            caf=C3=A9
            --x
            Content-Type: text/html; name="../../a\\"b.html"
            Content-Disposition: attachment; filename="../../a\\"b.html"
            Content-Transfer-Encoding: base64

            PHNjcmlwdD5hbGVydCgxKTwv
            c2NyaXB0Pg==
            --x--
            """.replace("\n", "\r\n");
    private static final byte[] SCRIPT = "<script>alert(1)</script>".getBytes(StandardCharsets.US_ASCII);
    private static James james;
    private static long uidValidity;
    private static long uid;

    @BeforeAll
    static void startMailServer() throws IOException {
        james = DevStack.james(CAROL);
        try (RawImap imap = RawImap.login(
                James.HOST,
                james.ports().imap(),
                CAROL.address(),
                CAROL.password().reveal())) {
            imap.append("INBOX", List.of(), Instant.now(), MESSAGE.getBytes(StandardCharsets.US_ASCII));
            uidValidity = imap.select("INBOX").uidValidity();
            uid = imap.uids().getFirst();
        }
    }

    @Test
    void a_raw_message_is_streamed_unchanged() {
        // Given
        AccountId account = imapAccount(james.ports().imap());
        EmailId email = linked(account, MESSAGE.length(), uidValidity, uid);

        // When
        HttpResponse<byte[]> answer = download(path(account, email) + "/raw");

        // Then
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(200);
        assertThat(text(answer)).endsWith(MESSAGE);
        assertThat(header(answer, "Content-Type")).isEqualTo("message/rfc822");
        assertThat(header(answer, "Content-Length")).isEqualTo(Integer.toString(answer.body().length));
        assertThat(header(answer, "Content-Disposition")).isEqualTo("attachment; filename=\"" + email + ".eml\"");
    }

    @Test
    void an_attachment_is_decoded_and_can_not_run_as_a_page() {
        // Given
        AccountId account = imapAccount(james.ports().imap());
        EmailId email = linked(account, MESSAGE.length(), uidValidity, uid);

        // When
        HttpResponse<byte[]> answer = download(path(account, email) + "/attachments/2");

        // Then
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(SCRIPT);
        assertThat(header(answer, "Content-Type")).startsWith("text/html");
        assertThat(header(answer, "Content-Disposition")).isEqualTo("attachment; filename=\"a_b.html\"");
        assertThat(header(answer, "X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(header(answer, "Content-Security-Policy")).contains("sandbox");
        assertThat(download(path(account, email) + "/attachments/3").statusCode())
                .isEqualTo(404);
        assertThat(download(path(account, email) + "/attachments/x%0d%0aA1").statusCode())
                .isEqualTo(404);
    }

    @Test
    void a_body_that_was_not_stored_is_read_and_stored() {
        for (long size : new long[] {MESSAGE.length(), 30 << 20}) {
            // Given
            AccountId account = imapAccount(james.ports().imap());
            EmailId email = linked(account, size, uidValidity, uid);

            // When
            Answer answer = api.get(path(account, email));

            // Then
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().at("/bodyValues/1/value").asText())
                    .as("%s", answer.json())
                    .startsWith("caf\u00e9");
            assertThat(answer.json().at("/attachments/0/partId").asText()).isEqualTo("2");
            assertThat(answer.json().has("bodyMissing")).isFalse();
            assertThat(stored.value(
                                    "select body -> 'bodyValues' -> '1' ->> 'value' from email_body where email_id = ?",
                                    email.value())
                            .toString())
                    .startsWith("caf\u00e9");
        }
    }

    @Test
    void a_purged_jmap_blob_is_found_again() throws Exception {
        // Given
        JsonNode theirs = jmapEmail();
        AccountId account = jmapAccount();
        String id = theirs.get("id").asText();
        EmailId stale = stored.bodiless(
                key.tenant(),
                account,
                1,
                Optional.of(id),
                Optional.of(theirs.get("blobId").asText()));
        EmailId gone = stored.bodiless(
                key.tenant(),
                account,
                1,
                Optional.of("00000000-0000-0000-0000-000000000000"),
                Optional.of("no-such-blob"));

        // When, Then
        assertThat(text(download(path(account, stale) + "/raw"))).endsWith(MESSAGE);
        stored.update("update email set blob_id = 'no-such-blob' where email_id = ?", stale.value());
        assertThat(text(download(path(account, stale) + "/raw"))).endsWith(MESSAGE);
        assertThat(download(path(account, gone) + "/raw").statusCode()).isEqualTo(410);
        assertThat(api.get(path(account, gone)).json().at("/bodyMissing/reason").asText())
                .isEqualTo("gone");
        JsonNode body = api.get(path(account, stale)).json();
        String partId = body.at("/attachments/0/partId").asText();
        assertThat(download(path(account, stale) + "/attachments/" + partId).body())
                .as("%s", body)
                .isEqualTo(SCRIPT);
        // Without a match the value is null, which the column refuses.
        stored.update("""
                update email_body set body = case when body::text ~ '"blobId": "[^"]+"'
                  then regexp_replace(body::text, '"blobId": "[^"]+"', '"blobId": "no-such-blob"', 'g')::jsonb end
                where email_id = ?""", stale.value());
        assertThat(download(path(account, stale) + "/attachments/" + partId).body())
                .isEqualTo(SCRIPT);
    }

    private static AccountId jmapAccount() {
        return account("""
                {"protocol": "jmap", "email": "carol@example.com", "password": "%s",
                 "jmap": {"sessionUrl": "%s"}}""".formatted(PASSWORD, james.sessionUrl()));
    }

    private static JsonNode jmapEmail() throws IOException, InterruptedException {
        JsonNode session = jmap(james.sessionUrl(), Optional.empty());
        String account =
                session.at("/primaryAccounts").get("urn:ietf:params:jmap:mail").asText();
        JsonNode answer = jmap(URI.create(session.get("apiUrl").asText()), Optional.of("""
                {"using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"], "methodCalls": [
                 ["Email/query", {"accountId": "%1$s"}, "q"],
                 ["Email/get", {"accountId": "%1$s", "properties": ["id", "blobId"],
                   "#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"}}, "g"]]}""".formatted(account)));
        return answer.at("/methodResponses/1/1/list/0");
    }

    private static JsonNode jmap(URI url, Optional<String> body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .header("Accept", "application/json; jmapVersion=rfc-8621")
                .header("Content-Type", "application/json")
                .header(
                        "Authorization",
                        "Basic "
                                + Base64.getEncoder()
                                        .encodeToString(
                                                (CAROL.address() + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8)));
        body.ifPresent(json -> request.POST(HttpRequest.BodyPublishers.ofString(json)));
        return EventCodec.decode(
                http.send(request.build(), BodyHandlers.ofString()).body(), JsonNode.class);
    }
}
