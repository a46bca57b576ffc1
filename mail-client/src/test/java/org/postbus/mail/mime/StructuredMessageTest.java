package org.postbus.mail.mime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.model.EmailBodyPart;

/**
 * A message that was not fetched whole gives the same result as the whole message, as far as its parts were fetched.
 */
class StructuredMessageTest {
    private static final String HEADER = "Subject: gr=?utf-8?Q?=C3=B6=C3=9F?=er\r\nMessage-ID: <a@example.com>\r\n"
            + "Content-Type: multipart/mixed; boundary=x\r\n\r\n";
    private static final String TEXT = "Gr=C3=BC=C3=9Fe";
    private static final String BODY = "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"
            + "--y\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            + TEXT
            + "\r\n--y\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n--y--\r\n"
            + "--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            + "Content-Disposition: attachment; filename*0*=utf-8''%C3%A4; filename*1=.pdf\r\n\r\nQUJD\r\n"
            + "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--x--\r\n";

    private static BodyStructure.Part part(
            String id, String type, Map<String, String> parameters, String encoding, long octets) {
        return new BodyStructure.Part(
                id,
                type,
                parameters,
                Optional.empty(),
                Optional.of(encoding),
                OptionalLong.of(octets),
                Optional.empty(),
                Map.of(),
                Optional.empty());
    }

    private static final BodyStructure STRUCTURE = new BodyStructure.Multipart(
            "",
            "mixed",
            Map.of("boundary", "x"),
            List.of(
                    new BodyStructure.Multipart(
                            "1",
                            "alternative",
                            Map.of(),
                            List.of(
                                    part(
                                            "1.1",
                                            "text/plain",
                                            Map.of("charset", "utf-8"),
                                            "quoted-printable",
                                            TEXT.length()),
                                    part("1.2", "text/html", Map.of(), "7bit", 9))),
                    new BodyStructure.Part(
                            "2",
                            "application/pdf",
                            Map.of(),
                            Optional.empty(),
                            Optional.of("base64"),
                            OptionalLong.of(4),
                            Optional.of("attachment"),
                            Map.of("filename*0*", "utf-8''%C3%A4", "filename*1", ".pdf"),
                            Optional.empty()),
                    part("3", "message/rfc822", Map.of(), "7bit", 19)));

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void only_the_shown_texts_need_be_fetched() {
        assertThat(MimeMessageReader.shownTexts(STRUCTURE))
                .extracting(BodyStructure.Part::partId)
                .containsExactly("1.1", "1.2");
    }

    @Test
    void message_in_pieces_is_the_message_whole() {
        ParsedEmail whole = MimeMessageReader.parse(ascii(HEADER + BODY), MimeLimits.DEFAULTS);

        ParsedEmail pieces = MimeMessageReader.parse(
                ascii(HEADER), STRUCTURE, Map.of("1.1", ascii(TEXT), "1.2", ascii("<b>hi</b>")), MimeLimits.DEFAULTS);

        assertThat(pieces.headers()).isEqualTo(whole.headers());
        assertThat(pieces.headerHash()).isEqualTo(whole.headerHash());
        assertThat(pieces.preview()).isEqualTo(whole.preview()).isEqualTo("Grüße");
        assertThat(pieces.hasAttachment()).isTrue();
        assertThat(pieces.isIncomplete()).isFalse();
        assertThat(pieces.body().textBody()).isEqualTo(whole.body().textBody());
        assertThat(pieces.body().htmlBody()).isEqualTo(whole.body().htmlBody());
        assertThat(pieces.body().bodyValues()).isEqualTo(whole.body().bodyValues());
        assertThat(pieces.body().attachments())
                .extracting(EmailBodyPart::partId, EmailBodyPart::type, EmailBodyPart::name)
                .isEqualTo(whole.body().attachments().stream()
                        .map(one -> org.assertj.core.groups.Tuple.tuple(one.partId(), one.type(), one.name()))
                        .toList());
    }

    @Test
    void cut_text_is_marked_as_truncated() {
        BodyStructure large = part("1", "text/plain", Map.of(), "7bit", 1_000_000);

        ParsedEmail email = MimeMessageReader.parse(
                ascii("Subject: x\r\n\r\n"), large, Map.of("1", ascii("beginning")), MimeLimits.DEFAULTS);

        assertThat(email.body().bodyValues().get("1").value()).isEqualTo("beginning");
        assertThat(email.body().bodyValues().get("1").isTruncated()).isTrue();
        assertThat(email.body().textBody().getFirst().size()).isEqualTo(1_000_000);
    }
}
