package org.postbus.gateway.submission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.mime.ParsedEmail;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailHeaders;

class DraftTest {
    private static final Instant NOW = Instant.parse("2025-11-01T10:00:00Z");

    @Test
    void composed_texts_and_attachments_are_parsed_unchanged() {
        NewMessage message = compose("""
                {"to": [{"name": "Bøb, \\"the\\" <one>", "email": "bob@bücher.example"}],
                 "cc": [{"email": "carol@example.com"}], "bcc": [{"email": "dan@example.com"}],
                 "subject": "Grüße ☃", "text": "Hi Bøb\\n.\\nFrom here", "html": "<p>Hi <img src=\\"cid:logo\\"></p>",
                 "attachments": [
                   {"name": "Übersicht \\"1\\".txt", "type": "text/plain", "content": "aGVsbG8="},
                   {"name": "logo.png", "type": "image/png", "content": "AAEC", "cid": "logo"}]}""");

        ParsedEmail read = MimeMessageReader.parse(message.message().octets(), MimeLimits.DEFAULTS);

        assertThat(message.recipients())
                .containsExactly("bob@xn--bcher-kva.example", "carol@example.com", "dan@example.com");
        assertThat(read.headers().from()).containsExactly(new EmailAddress(Optional.empty(), "alice@example.com"));
        assertThat(read.headers().to())
                .containsExactly(new EmailAddress(Optional.of("Bøb, \"the\" <one>"), "bob@xn--bcher-kva.example"));
        assertThat(read.headers().subject()).contains("Grüße ☃");
        assertThat(read.headers().messageId()).containsExactly(message.messageId());
        assertThat(read.preview()).contains("Hi Bøb");
        assertThat(read.body().attachments())
                .extracting(part -> part.type())
                .containsExactlyInAnyOrder("text/plain", "image/png");
        assertThat(read.body().attachments())
                .extracting(part -> part.name().orElse("without a name"))
                .containsExactlyInAnyOrder("Übersicht \"1\".txt", "logo.png");
        assertThat(new String(message.message().octets(), StandardCharsets.US_ASCII))
                .contains("filename*=UTF-8''%C3%9Cbersicht%20%221%22.txt");
    }

    @Test
    void an_ascii_file_name_goes_out_as_every_program_reads_it() {
        String written = text(compose("""
                {"to": [{"email": "bob@example.com"}], "text": "Hi", "attachments": [
                  {"name": "report (1).pdf", "type": "application/pdf", "content": "AAEC"},
                  {"name": "a \\"b\\" \\\\c.txt", "type": "text/plain", "content": "aGVsbG8="}]}"""));

        assertThat(written)
                .contains("Content-Type: application/pdf; name=\"report (1).pdf\"")
                .contains("Content-Disposition: attachment; filename=\"report (1).pdf\"")
                .contains("filename=\"a \\\"b\\\" \\\\c.txt\"")
                .doesNotContain("filename*");
        assertThat(MimeMessageReader.parse(written.getBytes(StandardCharsets.US_ASCII), MimeLimits.DEFAULTS)
                        .body()
                        .attachments())
                .extracting(part -> part.name().orElse("without a name"))
                .containsExactly("report (1).pdf", "a \"b\" \\c.txt");
    }

    @Test
    void an_attached_message_is_never_encoded() {
        String inner = "From: a@example.com\nSubject: inner\n\nHello\n.\nFrom here\n";

        String written = text(compose(attaching(inner, "mail.eml")));

        assertThat(written)
                .contains("Content-Type: message/rfc822; name=\"mail.eml\"")
                .contains("Content-Transfer-Encoding: 7bit")
                .contains(inner.replace("\n", "\r\n"))
                .doesNotContain("base64");
    }

    /** No server has to take it as it is, and message/rfc822 cannot be encoded. */
    @Test
    void an_attached_message_that_is_not_ascii_goes_as_a_file() {
        for (String inner : List.of("Subject: Grüße\n\nHello\n", "Subject: x\n\n" + "a".repeat(999), "a\rb\n")) {
            String written = text(compose(attaching(inner, "mail")));

            assertThat(written)
                    .contains("Content-Type: application/octet-stream; name=\"mail.eml\"")
                    .contains(Base64.getEncoder()
                            .encodeToString(inner.getBytes(StandardCharsets.UTF_8))
                            .substring(0, 8))
                    .doesNotContain("message/rfc822");
        }
    }

    private static String attaching(String message, String name) {
        return "{\"to\": [{\"email\": \"bob@example.com\"}], \"attachments\": [{\"name\": \"" + name
                + "\", \"type\": \"message/rfc822\", \"content\": \""
                + Base64.getEncoder().encodeToString(message.getBytes(StandardCharsets.UTF_8)) + "\"}]}";
    }

    private static String text(NewMessage message) {
        return new String(message.message().octets(), StandardCharsets.US_ASCII).replace("\r\n ", " ");
    }

    @Test
    void a_reply_to_a_long_conversation_keeps_its_root_and_drops_from_the_middle() {
        String references = IntStream.rangeClosed(1, 60)
                .mapToObj(i -> "<p" + i + "@example.com>")
                .collect(Collectors.joining("\r\n "));
        EmailHeaders parent = MimeMessageReader.parse(
                        ("Message-ID: <p61@example.com>\r\nReferences: " + references + "\r\n\r\nHi\r\n")
                                .getBytes(StandardCharsets.US_ASCII),
                        MimeLimits.DEFAULTS)
                .headers();

        NewMessage message = DraftComposer.compose(
                draft("{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"Hi\","
                        + " \"inReplyTo\": \"01990000-0000-7000-8000-0000000000b1\"}"),
                "alice@example.com",
                Optional.of(parent),
                NOW);

        List<String> written = MimeMessageReader.parse(message.message().octets(), MimeLimits.DEFAULTS)
                .headers()
                .references();
        assertThat(written).hasSize(50).startsWith("p1@example.com").endsWith("p60@example.com", "p61@example.com");
    }

    @Test
    void an_answer_refers_to_its_parent() {
        var parent = new EmailHeaders(
                List.of("p2@example.com"),
                List.of(),
                List.of("p1@example.com"),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty());
        NewMessage message = DraftComposer.compose(
                draft("{\"to\": [{\"email\": \"bob@example.com\"}], \"text\": \"Hi\","
                        + " \"inReplyTo\": \"01990000-0000-7000-8000-0000000000b1\"}"),
                "alice@example.com",
                Optional.of(parent),
                NOW);

        EmailHeaders headers = MimeMessageReader.parse(message.message().octets(), MimeLimits.DEFAULTS)
                .headers();

        assertThat(headers.inReplyTo()).containsExactly("p2@example.com");
        assertThat(headers.references()).containsExactly("p1@example.com", "p2@example.com");
    }

    @Test
    void no_text_of_a_request_becomes_a_header_field_or_a_recipient() {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        String[] pieces = {
            "\r\n", "\n", "\r", "Bcc: x@evil.example", "\0", "<", ">", "\"", ",", "ü", "\u2028", "a", " ", ";"
        };
        for (int i = 0; i < 500; i++) {
            StringBuilder nasty = new StringBuilder();
            for (int n = random.nextInt(8); n >= 0; n--) {
                nasty.append(pieces[random.nextInt(pieces.length)]);
            }
            String json =
                    "{\"to\": [{\"name\": NASTY, \"email\": \"bob@example.com\"}], \"subject\": NASTY, \"text\": \"hi\","
                            + " \"attachments\": [{\"name\": NASTY, \"content\": \"\"}]}";
            String request = json.replace("NASTY", EventCodec.encodeToString(nasty.toString()));
            NewMessage message;
            try {
                message = compose(request);
            } catch (ProblemException refused) {
                continue;
            }
            String as = "seed " + seed + ": " + request;
            assertThat(message.recipients()).as(as).containsExactly("bob@example.com");
            assertThat(message.message().field("Bcc")).as(as).isEmpty();
            EmailHeaders headers = MimeMessageReader.parse(message.message().octets(), MimeLimits.DEFAULTS)
                    .headers();
            assertThat(headers.to()).as(as).extracting(EmailAddress::email).containsExactly("bob@example.com");
            assertThat(headers.bcc()).as(as).isEmpty();
        }
    }

    @Test
    void a_raw_message_is_kept_and_completed() {
        NewMessage message = RawMessage.of(
                "From: alice@example.com\nTo: Bob <bob@example.com>\nBcc: dan@example.com\n\nbody\n"
                        .getBytes(StandardCharsets.US_ASCII),
                NOW);

        assertThat(message.recipients()).containsExactly("bob@example.com", "dan@example.com");
        assertThat(message.message().field("Message-ID")).contains("<" + message.messageId() + ">");
        assertThat(message.message().field("Date")).contains("Sat, 1 Nov 2025 10:00:00 GMT");
        assertThat(message.message().body()).isEqualTo("body\r\n");
    }

    @Test
    void an_invalid_raw_message_is_refused() {
        for (String raw : List.of(
                "To: bob@example.com\n\nno sender",
                "From: alice@example.com\n\nno recipient",
                "From: alice@example.com\nTo: bob@example.com\n\nbare \r return")) {
            assertThatThrownBy(() -> RawMessage.of(raw.getBytes(StandardCharsets.US_ASCII), NOW))
                    .as(raw)
                    .isInstanceOf(ProblemException.class);
        }
    }

    private static NewMessage compose(String json) {
        return DraftComposer.compose(draft(json), "alice@example.com", Optional.empty(), NOW);
    }

    private static Draft draft(String json) {
        return DraftReader.read(RequestJson.object(json.getBytes(StandardCharsets.UTF_8)));
    }
}
