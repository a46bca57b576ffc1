package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;

/** Large content passes through a small heap, at the speed of the client. */
class LargeContentIT extends ContentTest {
    /** 920,000 lines of 57 octets: 52 MB. */
    private static final int LINES = 920_000;

    private static final byte[] LINE = new byte[57];

    static {
        for (int i = 0; i < LINE.length; i++) {
            LINE[i] = (byte) (i * 5);
        }
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
}
