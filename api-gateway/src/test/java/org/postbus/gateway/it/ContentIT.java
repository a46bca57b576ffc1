package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.gateway.it.ApiCaller.Answer;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.topic.Topics;

/** Content that is read on request: the built service with a heap of 128 MB, a real mail server, and servers that misbehave. */
class ContentIT {
    private static final String PASSWORD = "s3cret-of-carol";
    private static final James.User CAROL = James.User.of("carol", PASSWORD);
    private static final Duration SOON = Duration.ofSeconds(20);

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

    /** 920,000 lines of 57 octets: 52 MB. */
    private static final int LINES = 920_000;

    private static final byte[] LINE = new byte[57];

    static {
        for (int i = 0; i < LINE.length; i++) {
            LINE[i] = (byte) (i * 5);
        }
    }

    private static HttpClient http;
    private static Kafka kafka;
    private static StoredMail stored;
    private static GatewayProcess gateway;
    private static James james;
    private static ApiKey key;
    private static ApiCaller api;
    private static long uidValidity;
    private static long uid;

    private ImapStub stub;

    @BeforeAll
    static void start() throws IOException, SQLException {
        http = HttpClient.newHttpClient();
        Database database = DevStack.postgres().freshDatabase();
        stored = StoredMail.in(database);
        key = ApiKey.issue(database, "content");
        kafka = DevStack.kafka(4);
        gateway = GatewayProcess.start(
                "gateway-content", "128m", database, kafka, Map.of("POSTBUS_PRIVATE_HOSTS", "allowed"));
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
        gateway.awaitReady(http);
        api = new ApiCaller(http, gateway.url(), Optional.of(key.text().reveal()));
    }

    @AfterAll
    static void stop() throws SQLException {
        boolean alive = gateway.isAlive();
        gateway.close();
        http.close();
        stored.close();
        assertThat(alive).as("a heap of 128 MB was enough").isTrue();
    }

    @AfterEach
    void closeStub() {
        if (stub != null) {
            stub.close();
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
        assertThat(stub.openConnections()).as("one connection, kept for the next download").isEqualTo(1);
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

    @Test
    void attachments_of_50_mb_pass_through_a_small_heap() throws Exception {
        // Given
        AtomicLong sent = new AtomicLong();
        stub = new ImapStub((command, out) -> large(command, out, sent));
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 80 << 20, ImapStub.UID_VALIDITY, 5);
        HttpRequest request = request(path(account, email) + "/attachments/2");

        // When
        List<CompletableFuture<HttpResponse<InputStream>>> answers = List.of(
                http.sendAsync(request, BodyHandlers.ofInputStream()),
                http.sendAsync(request, BodyHandlers.ofInputStream()));

        // Then
        byte[] expected = digestOfLines();
        for (CompletableFuture<HttpResponse<InputStream>> answer : answers) {
            assertThat(answer.get().statusCode()).isEqualTo(200);
        }
        for (CompletableFuture<HttpResponse<InputStream>> answer : answers) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            long octets = 0;
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = answer.get().body()) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    digest.update(buffer, 0, count);
                    octets += count;
                }
            }
            assertThat(octets).isEqualTo((long) LINES * LINE.length);
            assertThat(digest.digest()).isEqualTo(expected);
        }
        assertThat(gateway.isAlive()).isTrue();
    }

    @Test
    void a_slow_client_slows_the_mail_server_and_a_disconnected_one_stops_it() throws Exception {
        // Given
        AtomicLong sent = new AtomicLong();
        stub = new ImapStub((command, out) -> large(command, out, sent));
        AccountId account = imapAccount(stub.port());
        EmailId email = linked(account, 80 << 20, ImapStub.UID_VALIDITY, 5);
        HttpClient leaving = HttpClient.newHttpClient();

        // When
        InputStream in = leaving.send(request(path(account, email) + "/raw"), BodyHandlers.ofInputStream())
                .body();
        assertThat(in.readNBytes(1000)).hasSize(1000);

        // Then
        Awaitility.await().during(Duration.ofMillis(700)).until(() -> sent.get() < (long) LINES * 78 / 2);
        in.close();
        leaving.shutdownNow();
        Awaitility.await().atMost(SOON).until(() -> stub.openConnections() == 0);
        assertThat(sent.get()).isLessThan((long) LINES * 78);
        leaving.close();
    }

    /** A message with one text and 50 MB of base64. */
    private static String large(String command, OutputStream out, AtomicLong sent) throws IOException {
        if (command.contains("BODYSTRUCTURE")) {
            ImapStub.write(
                    out,
                    "* 1 FETCH (UID 5 BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL)"
                            + "(\"application\" \"zip\" NIL NIL NIL \"base64\" " + LINES * 78
                            + " NIL (\"attachment\" (\"filename\" \"big.zip\")) NIL NIL) \"mixed\" NIL NIL NIL NIL))\r\n");
            return "OK done";
        }
        String item = command.contains("BODY.PEEK[2]") ? "BODY[2]" : "BODY[]";
        ImapStub.write(out, "* 1 FETCH (UID 5 " + item + " {" + LINES * 78 + "}\r\n");
        byte[] encoded = (Base64.getEncoder().encodeToString(LINE) + "\r\n").getBytes(StandardCharsets.US_ASCII);
        byte[] thousand = new byte[encoded.length * 1000];
        for (int i = 0; i < 1000; i++) {
            System.arraycopy(encoded, 0, thousand, i * encoded.length, encoded.length);
        }
        for (int i = 0; i < LINES / 1000; i++) {
            out.write(thousand);
            sent.addAndGet(thousand.length);
        }
        ImapStub.write(out, ")\r\n");
        return "OK done";
    }

    private static byte[] digestOfLines() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; i < LINES; i++) {
            digest.update(LINE);
        }
        return digest.digest();
    }

    private static EmailId linked(AccountId account, long size, long uidValidity, long uid) {
        EmailId email = stored.bodiless(key.tenant(), account, size, Optional.empty(), Optional.empty());
        stored.link(key.tenant(), account, email, "INBOX", uidValidity, uid);
        return email;
    }

    private static AccountId imapAccount(int port) {
        return account("""
                {"protocol": "imap", "email": "carol@example.com", "password": "%s",
                 "imap": {"host": "localhost", "port": %d, "tls": "none"}}""".formatted(PASSWORD, port));
    }

    private static AccountId jmapAccount() {
        return account("""
                {"protocol": "jmap", "email": "carol@example.com", "password": "%s",
                 "jmap": {"sessionUrl": "%s"}}""".formatted(PASSWORD, james.sessionUrl()));
    }

    private static AccountId account(String body) {
        Answer answer = api.call("POST", "/v1/accounts", body);
        assertThat(answer.status()).as("%s", answer.json()).isEqualTo(201);
        return AccountId.of(answer.json().get("id").asText());
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

    private static String path(AccountId account, EmailId email) {
        return "/v1/accounts/" + account + "/emails/" + email;
    }

    private static HttpRequest request(String path) {
        // As browsers do. A compressed response would have another length.
        return api.request(path).header("Accept-Encoding", "gzip").timeout(SOON).build();
    }

    private static HttpResponse<byte[]> download(String path) {
        try {
            return http.send(request(path), BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new AssertionError(path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static String text(HttpResponse<byte[]> answer) {
        return new String(answer.body(), StandardCharsets.ISO_8859_1);
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
