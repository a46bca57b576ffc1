package org.postbus.devstack.mailserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawSmtp;

class JamesTest {
    private static final James.User CAROL = James.User.of("carol", "it's a secret");

    @Test
    void mail_delivered_by_smtp_is_in_the_inbox() {
        James james = DevStack.james(CAROL);
        RawSmtp.deliver(
                james.ports().smtp(),
                "dave@example.org",
                CAROL.address(),
                "Message-ID: <1@example.org>\r\nSubject: hello\r\n\r\n.dot\r\n");
        try (RawImap imap = RawImap.login(
                James.HOST,
                james.ports().imap(),
                CAROL.address(),
                CAROL.password().reveal())) {
            // James refuses UID FETCH 1:* in an empty mailbox, and the message may still be on its way.
            await().atMost(Duration.ofSeconds(30))
                    .ignoreException(RawImap.RefusedException.class)
                    .untilAsserted(() -> {
                        imap.select("INBOX");
                        assertThat(imap.fetchAll())
                                .extracting(RawImap.Message::messageId)
                                .contains(Optional.of("<1@example.org>"));
                    });
        }
    }

    @Test
    void append_and_flags_work() {
        James james = DevStack.james(James.User.of("erin", "secret"));
        try (RawImap imap = RawImap.login(James.HOST, james.ports().imap(), "erin@example.com", "secret")) {
            imap.append(
                    "INBOX",
                    List.of("\\Seen"),
                    Instant.parse("2026-01-02T03:04:05Z"),
                    "Subject: x\r\n\r\ny\r\n".getBytes(StandardCharsets.UTF_8));
            imap.select("INBOX");
            assertThat(imap.fetchAll())
                    .singleElement()
                    .satisfies(message -> assertThat(message.flags()).contains("\\Seen"));
        }
    }

    @Test
    void the_jmap_session_has_mail_and_reachable_urls() throws Exception {
        James james = DevStack.james(CAROL);
        String login = Base64.getEncoder()
                .encodeToString((CAROL.address() + ":" + CAROL.password().reveal()).getBytes(StandardCharsets.UTF_8));
        HttpResponse<String> session = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(james.sessionUrl())
                                .header("Authorization", "Basic " + login)
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(session.statusCode()).isEqualTo(200);
        assertThat(session.body())
                .contains(
                        "urn:ietf:params:jmap:mail",
                        "http://127.0.0.1:" + james.ports().jmap() + "/jmap");
    }
}
