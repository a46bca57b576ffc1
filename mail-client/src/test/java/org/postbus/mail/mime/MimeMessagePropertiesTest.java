package org.postbus.mail.mime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.model.Email;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailHeaders;

/** Properties for any bytes: there is a result, within the limits, that PostgreSQL and Kafka can store. */
class MimeMessagePropertiesTest {
    private static final int RUNS = 1500;

    private static final List<String> PIECES = List.of(
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n",
            "--b",
            "--b--",
            "--c\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n",
            "Content-Type: multipart/alternative; boundary=\"c\"\r\n",
            "Content-Type: text/html; charset=utf-7\r\n",
            "Content-Type: text/plain; charset=utf-16\r\n",
            "Content-Type: message/rfc822\r\n",
            "Content-Type: text/plain; charset*0*=utf-8''%; name*1=x\r\n",
            "Content-Transfer-Encoding: base64\r\n",
            "Content-Transfer-Encoding: quoted-printable\r\n",
            "Content-Disposition: attachment; filename=\"a\\\r\n",
            "Subject: ",
            "From: ",
            "To: ",
            "Date: ",
            "Message-ID: <",
            "References: ",
            "=?utf-8?Q?=00=ED=A0=80?=",
            "=?iso-2022-jp?B?GyRC?=",
            "=?utf-8?B?",
            "?=",
            "<",
            ">",
            "\"",
            "(",
            "\\",
            ",",
            ":",
            ";",
            "@",
            "=",
            "=3",
            "=\r\n",
            "\0",
            "\uD800",
            "\u00E9",
            "<div style='display:none'>",
            "<p>",
            "<!--",
            "&nbsp;&#0;&#xD800;",
            " ",
            "\t",
            "abc",
            "Mon, 31 Feb 99999 25:61:61 +9999",
            "+2AA-",
            "> quoted\n",
            "-- \n");

    @Test
    void any_bytes_give_an_answer_within_the_limits() {
        for (int seed = 0; seed < RUNS; seed++) {
            byte[] raw = seed % 3 == 0 ? randomBytes(new Random(seed)) : randomPieces(new Random(seed));

            ParsedEmail email = MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);

            String json = EventCodec.encodeToString(List.of(email.headers(), email.body(), email.preview()));
            assertThat(json).as("seed %d", seed).doesNotContain("\\u0000");
            assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(json))
                    .as("seed %d", seed)
                    .isTrue();
            assertThat(email.preview().length()).as("seed %d", seed).isLessThanOrEqualTo(Email.PREVIEW_LENGTH_MAX);
            assertThat(textBytes(email)).as("seed %d", seed).isLessThanOrEqualTo(EmailBody.TEXT_BYTES_MAX);
            assertThat(email.headers().references().size())
                    .as("seed %d", seed)
                    .isLessThanOrEqualTo(EmailHeaders.REFERENCES_MAX);
            assertThat(partIds(email)).as("seed %d", seed).allMatch(id -> id.matches("[1-9][0-9]*(\\.[1-9][0-9]*)*"));
        }
    }

    @Test
    void a_message_cut_anywhere_keeps_the_headers_before_the_cut() {
        byte[] raw = ("Subject: here\r\nFrom: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                        + "--b\r\nContent-Type: text/html\r\n\r\n<p>text</p>\r\n--b\r\nContent-Type: image/png\r\n"
                        + "Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n")
                .getBytes(StandardCharsets.US_ASCII);

        for (int length = 0; length < raw.length; length++) {
            ParsedEmail email = MimeMessageReader.parse(Arrays.copyOf(raw, length), MimeLimits.DEFAULTS);

            assertThat(email.isIncomplete()).as("cut at %d", length).isFalse();
            if (length >= "Subject: here\r\n".length()) {
                assertThat(email.headers().subject()).as("cut at %d", length).contains("here");
            }
        }
    }

    @Test
    void parts_have_distinct_ids_and_can_be_read_by_them() {
        for (int seed = 0; seed < RUNS / 5; seed++) {
            byte[] raw = randomPieces(new Random(seed));
            ParsedEmail email = MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);

            for (EmailBodyPart part : email.body().attachments()) {
                assertThat(MimeMessageReader.part(raw, part.partId(), MimeLimits.DEFAULTS))
                        .as("seed %d part %s", seed, part.partId())
                        .hasValueSatisfying(found -> {
                            assertThat(found.part()).isEqualTo(part);
                            assertThat((long) found.content().length).isEqualTo(part.size());
                        });
            }
        }
    }

    private static byte[] randomBytes(Random random) {
        byte[] raw = new byte[random.nextInt(2000)];
        random.nextBytes(raw);
        return raw;
    }

    private static byte[] randomPieces(Random random) {
        var raw = new ByteArrayOutputStream();
        int pieces = random.nextInt(120);
        for (int i = 0; i < pieces; i++) {
            String piece = PIECES.get(random.nextInt(PIECES.size()));
            raw.writeBytes(
                    piece.getBytes(random.nextInt(4) == 0 ? StandardCharsets.UTF_16BE : StandardCharsets.ISO_8859_1));
            if (random.nextInt(8) == 0) {
                raw.write(random.nextInt(256));
            }
        }
        return raw.toByteArray();
    }

    private static int textBytes(ParsedEmail email) {
        return email.body().bodyValues().values().stream()
                .mapToInt(value -> value.value().getBytes(StandardCharsets.UTF_8).length)
                .sum();
    }

    private static List<String> partIds(ParsedEmail email) {
        EmailBody body = email.body();
        return Stream.of(body.textBody(), body.htmlBody(), body.attachments())
                .flatMap(List::stream)
                .map(EmailBodyPart::partId)
                .toList();
    }
}
