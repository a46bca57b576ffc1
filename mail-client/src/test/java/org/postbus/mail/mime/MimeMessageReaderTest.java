package org.postbus.mail.mime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;

/** Known answers: a message as text, a char per byte, and the expected result. */
class MimeMessageReaderTest {

    @Test
    void headers_are_decoded_and_named_as_in_rfc_8621() {
        ParsedEmail email = parse("""
                Message-ID: <m1@example.com>
                In-Reply-To: <m0@example.com>
                References: <r1@example.com>
                 <m0@example.com>
                Date: Fri, 21 Nov 2026 09:55:06 -0600 (CST)
                From: "Doe, John" <john@example.com>
                Sender: secretary@example.com (Mary Smith)
                To: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>, Friends: a@example.com, B <b@example.com>;
                Cc: undisclosed-recipients:;
                Reply-To: <reply@example.com>
                Subject: =?iso-8859-1?Q?Caf=E9?= =?iso-8859-1?B?IGFuZCA=?= tea

                Hello
                """);

        assertThat(email.headers().messageId()).containsExactly("m1@example.com");
        assertThat(email.headers().inReplyTo()).containsExactly("m0@example.com");
        assertThat(email.headers().references()).containsExactly("r1@example.com", "m0@example.com");
        assertThat(email.headers().sentAt()).contains("2026-11-21T09:55:06-06:00");
        assertThat(email.headers().from()).containsExactly(address("Doe, John", "john@example.com"));
        assertThat(email.headers().sender()).containsExactly(address("Mary Smith", "secretary@example.com"));
        assertThat(email.headers().to())
                .containsExactly(
                        address("Jörg", "joerg@example.com"),
                        new EmailAddress(Optional.empty(), "a@example.com"),
                        address("B", "b@example.com"));
        assertThat(email.headers().cc()).isEmpty();
        assertThat(email.headers().replyTo()).containsExactly(new EmailAddress(Optional.empty(), "reply@example.com"));
        assertThat(email.headers().subject()).contains("Café and  tea");
        assertThat(email.isIncomplete()).isFalse();
    }

    @Test
    void plain_text_is_text_and_html_body_at_once() {
        ParsedEmail email = parse("Subject: x\n\nOne\nTwo\n");

        assertThat(ids(email.body().textBody())).containsExactly("1");
        assertThat(ids(email.body().htmlBody())).containsExactly("1");
        assertThat(email.body().attachments()).isEmpty();
        assertThat(email.body().bodyValues()).isEqualTo(Map.of("1", new EmailBodyValue("One\nTwo\n", false, false)));
        assertThat(email.preview()).isEqualTo("One Two");
        assertThat(email.hasAttachment()).isFalse();
        assertThat(email.body().textBody().getFirst().size()).isEqualTo(8);
    }

    @Test
    void alternative_inside_mixed_gives_each_its_own_list() {
        ParsedEmail email = parse("""
                Content-Type: multipart/mixed; boundary=outer

                preamble
                --outer
                Content-Type: multipart/alternative; boundary="inner"

                --inner
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: quoted-printable

                Gr=C3=BC=C3=9Fe =
                from here
                --inner
                Content-Type: text/html; charset=utf-8

                <p>hi</p>
                --inner--
                --outer
                Content-Type: application/pdf; name="a.pdf"
                Content-Disposition: attachment; filename*0*=utf-8''%C3%A4; filename*1="bc.pdf"
                Content-Transfer-Encoding: base64
                Content-ID: <cid1@example.com>

                SGVsbG8=
                --outer--
                epilogue
                """);

        assertThat(ids(email.body().textBody())).containsExactly("1.1");
        assertThat(ids(email.body().htmlBody())).containsExactly("1.2");
        assertThat(email.body().attachments())
                .containsExactly(new EmailBodyPart(
                        "2",
                        Optional.empty(),
                        5,
                        Optional.of("äbc.pdf"),
                        "application/pdf",
                        Optional.empty(),
                        Optional.of("attachment"),
                        Optional.of("cid1@example.com")));
        assertThat(email.body().bodyValues().get("1.1").value()).isEqualTo("Grüße from here");
        assertThat(email.body().bodyValues().get("1.2").value()).isEqualTo("<p>hi</p>");
        assertThat(email.hasAttachment()).isTrue();
        assertThat(email.preview()).isEqualTo("Grüße from here");
    }

    @Test
    void alternative_with_html_alone_shows_html_in_both_lists() {
        ParsedEmail email = parse("""
                Content-Type: multipart/alternative; boundary=b

                --b
                Content-Type: text/html

                <html><head><title>no</title><style>p{}</style></head><body><div style="display: none">pre</div>
                <p>Hello&nbsp;<b>you</b></p><script>x</script><p>there</p></body></html>
                --b--
                """);

        assertThat(ids(email.body().textBody())).containsExactly("1");
        assertThat(ids(email.body().htmlBody())).containsExactly("1");
        assertThat(email.preview()).isEqualTo("Hello you there");
    }

    @Test
    void example_of_rfc_8621_section_4_1_4_is_sorted_as_printed_there() {
        ParsedEmail email = parse("""
                Content-Type: multipart/mixed; boundary=m1

                --m1
                Content-Type: text/plain
                Content-Disposition: inline

                A
                --m1
                Content-Type: multipart/mixed; boundary=m2

                --m2
                Content-Type: multipart/alternative; boundary=m3

                --m3
                Content-Type: multipart/mixed; boundary=m4

                --m4
                Content-Type: text/plain
                Content-Disposition: inline

                B
                --m4
                Content-Type: image/jpeg
                Content-Disposition: inline

                C
                --m4
                Content-Type: text/plain
                Content-Disposition: inline

                D
                --m4--
                --m3
                Content-Type: multipart/related; boundary=m5

                --m5
                Content-Type: text/html

                E
                --m5
                Content-Type: image/jpeg

                F
                --m5--
                --m3--
                --m2
                Content-Type: image/jpeg
                Content-Disposition: attachment

                G
                --m2
                Content-Type: application/x-excel

                H
                --m2
                Content-Type: message/rfc822

                Subject: J

                J
                --m2--
                --m1
                Content-Type: text/plain
                Content-Disposition: inline

                K
                --m1--
                """);

        // textBody => [ A, B, C, D, K ], htmlBody => [ A, E, K ], attachments => [ C, F, G, H, J ]
        assertThat(ids(email.body().textBody())).containsExactly("1", "2.1.1.1", "2.1.1.2", "2.1.1.3", "3");
        assertThat(ids(email.body().htmlBody())).containsExactly("1", "2.1.2.1", "3");
        assertThat(ids(email.body().attachments())).containsExactly("2.1.1.2", "2.1.2.2", "2.2", "2.3", "2.4");
        assertThat(email.body().bodyValues()).containsOnlyKeys("1", "2.1.1.1", "2.1.1.3", "2.1.2.1", "3");
    }

    @Test
    void message_in_a_message_is_an_attachment() {
        ParsedEmail email = parse("""
                Subject: outer
                Content-Type: multipart/mixed; boundary=b

                --b

                see below
                --b
                Content-Type: message/rfc822

                Subject: inner
                Content-Type: multipart/mixed; boundary=c

                --c

                inner text
                --c--
                --b--
                """);

        assertThat(email.headers().subject()).contains("outer");
        assertThat(ids(email.body().textBody())).containsExactly("1");
        assertThat(email.body().attachments().getFirst().type()).isEqualTo("message/rfc822");
        assertThat(email.hasAttachment()).isTrue();
    }

    @Test
    void digest_parts_are_messages_unless_they_say_otherwise() {
        ParsedEmail email = parse("""
                Content-Type: multipart/digest; boundary=b

                --b

                Subject: one

                text
                --b--
                """);

        assertThat(email.body().attachments()).extracting(EmailBodyPart::type).containsExactly("message/rfc822");
    }

    @Test
    void charsets_are_what_browsers_take_them_for() {
        assertThat(text("iso-8859-1", bytes(0x80, 0xE4))).isEqualTo("€ä");
        assertThat(text("gb2312", "中文鎔".getBytes(Charset.forName("GB18030")))).isEqualTo("中文鎔");
        assertThat(text("ks_c_5601-1987", "한국어".getBytes(Charset.forName("x-windows-949"))))
                .isEqualTo("한국어");
        assertThat(text("Shift_JIS", "日本①".getBytes(Charset.forName("windows-31j"))))
                .isEqualTo("日本①");
        assertThat(text("iso-2022-jp", "日本語".getBytes(Charset.forName("ISO-2022-JP"))))
                .isEqualTo("日本語");
        assertThat(text("utf-7", "+AOQ-x".getBytes(StandardCharsets.US_ASCII))).isEqualTo("äx");
        assertThat(text("macintosh", bytes(0x8A))).isEqualTo("ä");
        assertThat(text("koi8-r", "Привет".getBytes(Charset.forName("KOI8-R")))).isEqualTo("Привет");
    }

    @Test
    void undeclared_8_bit_text_is_utf_8_if_it_can_be() {
        assertThat(text("us-ascii", "Grüße".getBytes(StandardCharsets.UTF_8))).isEqualTo("Grüße");
        assertThat(text("x-nonsense", "Grüße".getBytes(StandardCharsets.UTF_8))).isEqualTo("Grüße");
        assertThat(text("us-ascii", bytes('c', 'a', 'f', 0xE9))).isEqualTo("café");
    }

    @Test
    void wrongly_declared_text_is_marked_as_a_guess() {
        ParsedEmail email = parse("Content-Type: text/plain; charset=utf-8\n\ncaf\u00E9 au lait");

        EmailBodyValue value = email.body().bodyValues().get("1");
        assertThat(value.isEncodingProblem()).isTrue();
        assertThat(value.value()).startsWith("caf").endsWith("au lait");
    }

    @Test
    void malformed_encoded_words_are_decoded_as_far_as_possible() {
        assertThat(subject("=?UTF-8?B?w6Q=?= =?UTF-8?B?w7Y=?=")).contains("äö");
        assertThat(subject("=?UTF-8?B?w6?= =?UTF-8?B?Q=?=")).isPresent();
        // A character split between two words.
        assertThat(subject("=?UTF-8?Q?=C3?= =?UTF-8?Q?=A4?=")).contains("ä");
        assertThat(subject("=?UTF-8?B?w6Q?=")).contains("ä");
        assertThat(subject("=?utf-8*de?Q?=C3=A4?=")).contains("ä");
        assertThat(subject("=?utf-8?Q?a b?= c")).contains("a b c");
        assertThat(subject("=?iso-8859-1?Q?caf\u00E9?=")).contains("café");
        assertThat(subject("caf\u00E9")).contains("café");
        assertThat(subject("caf\u00C3\u00A9")).contains("café");
        assertThat(subject("=?utf-8?X?no?= word")).contains("=?utf-8?X?no?= word");
        assertThat(subject("=?utf-8?Q?open")).contains("=?utf-8?Q?open");
        assertThat(subject("a =?utf-8?Q?b?= c")).contains("a b c");
        assertThat(subject("=?utf-8?Q?=00x?=")).contains("x");
    }

    @Test
    void addresses_are_read_however_they_are_written() {
        assertThat(from("John Doe john@example.com")).containsExactly(address("John Doe", "john@example.com"));
        assertThat(from("=?utf-8?Q?Doe,_John?= <john@example.com>"))
                .containsExactly(address("Doe, John", "john@example.com"));
        assertThat(from("\"=?utf-8?Q?J=C3=B6rg?=\" <j@example.com>")).containsExactly(address("Jörg", "j@example.com"));
        assertThat(from("<@relay.example.com:john@example.com>"))
                .extracting(EmailAddress::email)
                .containsExactly("john@example.com");
        assertThat(from("\"john doe\"@example.com"))
                .extracting(EmailAddress::email)
                .containsExactly("\"john doe\"@example.com");
        assertThat(from("a@example.com,, b@example.com"))
                .extracting(EmailAddress::email)
                .containsExactly("a@example.com", "b@example.com");
        assertThat(from("A <a@example.com, B <b@example.com>"))
                .extracting(EmailAddress::email)
                .containsExactly("a@example.com", "b@example.com");
        assertThat(from("A <a @ example.com>")).extracting(EmailAddress::email).containsExactly("a@example.com");
        assertThat(from("J\u00F6rg <j@example.com>")).containsExactly(address("Jörg", "j@example.com"));
        assertThat(from("\"unclosed <a@example.com>")).hasSize(1);
        assertThat(from("MAILER-DAEMON")).extracting(EmailAddress::email).containsExactly("MAILER-DAEMON");
        assertThat(from("   ")).isEmpty();
    }

    @Test
    void dates_of_all_sorts_are_read() {
        assertThat(date("21 Nov 97 09:55 GMT")).contains("1997-11-21T09:55:00Z");
        assertThat(date("Fri, 1 Feb 2026 23:59:60 +0200")).contains("2026-02-01T23:59:59+02:00");
        assertThat(date("Fri Feb 13 14:55:12 2026")).contains("2026-02-13T14:55:12Z");
        assertThat(date("Mon, 05 January 2026 10:00:00 EST")).contains("2026-01-05T10:00:00-05:00");
        assertThat(date("yesterday")).isEmpty();
        assertThat(date("31 Feb 2026 10:00:00 +0000")).isEmpty();
    }

    @Test
    void preview_is_what_the_sender_wrote() {
        assertThat(parse("\nI agree.\n\nOn Monday, Ann wrote:\n> Shall we?\n> Yes?\n\nBye\n-- \nBob\nChief\n")
                        .preview())
                .isEqualTo("I agree. Bye");
        assertThat(parse("\n> only a quote\n").preview()).isEqualTo("> only a quote");
        assertThat(parse("\na\u200Cb\u00AD   c\n".getBytes(StandardCharsets.UTF_8))
                        .preview())
                .isEqualTo("ab c");
        String flags = "\uD83C\uDDE9\uD83C\uDDEA".repeat(100);
        assertThat(parse(("\n" + flags).getBytes(StandardCharsets.UTF_8)).preview())
                .isEqualTo("\uD83C\uDDE9\uD83C\uDDEA".repeat(64));
        assertThat(parse("\n" + "word ".repeat(100)).preview()).hasSize(256).endsWith("word w");
    }

    @Test
    void body_values_together_stay_within_the_limit() {
        String part = "--b\nContent-Type: text/plain; charset=utf-8\n\n" + "ä".repeat(20_000) + "\n";
        ParsedEmail email = parse(("Content-Type: multipart/mixed; boundary=b\n\n" + part + part + part + "--b--\n")
                .getBytes(StandardCharsets.UTF_8));

        Map<String, EmailBodyValue> values = email.body().bodyValues();
        assertThat(values.get("1").isTruncated()).isFalse();
        assertThat(values.get("2").isTruncated()).isTrue();
        assertThat(values.get("3").isTruncated()).isTrue();
        assertThat(values.values().stream()
                        .mapToInt(value -> value.value().getBytes(StandardCharsets.UTF_8).length)
                        .sum())
                .isEqualTo(65536);
        assertThat(email.body().textBody().get(2).size()).isEqualTo(40_000);
        assertThat(values.get("2").isEncodingProblem()).isFalse();
    }

    @Test
    void cut_off_message_is_read_as_far_as_it_goes() {
        ParsedEmail email = parse("""
                Subject: x
                Content-Type: multipart/mixed; boundary=b

                --b
                Content-Type: text/plain

                begin\
                """);

        assertThat(email.body().bodyValues().get("1").value()).isEqualTo("begin");
        assertThat(parse("Subject: on").headers().subject()).contains("on");
        assertThat(parse("").headers().subject()).isEmpty();
    }

    @Test
    void malformed_structure_is_read_as_far_as_possible() {
        assertThat(parse("Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n")
                        .body()
                        .attachments())
                .hasSize(1);
        assertThat(parse("Content-Type: text\n\nx").body().textBody()).hasSize(1);
        assertThat(parse("Content-Type: ;;;=\n\nx").body().textBody()).hasSize(1);
        assertThat(parse("this is no header\nSubject: s\n\nx").headers().subject())
                .contains("s");
        assertThat(parse("Subject : s\n\nx").headers().subject()).contains("s");
        assertThat(parse("From alice Mon Jan 1\nSubject: s\n\nx").headers().subject())
                .contains("s");
        assertThat(parse("Subject: a\nSubject: b\n\nx").headers().subject()).contains("b");
    }

    @Test
    void nesting_beyond_the_limit_is_one_opaque_part() {
        var bomb = new StringBuilder();
        for (int i = 0; i < 10_000; i++) {
            // RFC 2046 section 5.1.1: a boundary ends where it ends, so b1 would also match b10.
            String boundary = "b" + i + "_";
            bomb.append("Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n");
        }
        long start = System.nanoTime();

        ParsedEmail email = parse(bomb.toString());

        assertThat(email.isIncomplete()).isTrue();
        assertThat(email.body().attachments()).hasSize(1);
        assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(5_000_000_000L);
    }

    @Test
    void parts_and_header_fields_beyond_the_limit_are_left_out() {
        ParsedEmail parts =
                parse("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n".repeat(5000) + "--b--\n");
        ParsedEmail fields = parse("X-A: 1\n".repeat(5000) + "Subject: late\n\ntext");
        ParsedEmail longField = parse("X-A: " + "a".repeat(300_000) + "\nSubject: late\n\ntext");

        assertThat(parts.isIncomplete()).isTrue();
        assertThat(parts.body().textBody()).hasSize(MimeLimits.DEFAULTS.partsMax());
        assertThat(fields.isIncomplete()).isTrue();
        assertThat(fields.headers().subject()).isEmpty();
        assertThat(fields.body().textBody()).hasSize(1);
        assertThat(longField.isIncomplete()).isTrue();
    }

    @Test
    void header_hash_covers_the_header_and_its_blank_line_alone() {
        String one = parse("Subject: x\r\n\r\nbody one").headerHash();
        String two = parse("Subject: x\r\n\r\nanother").headerHash();

        assertThat(one).isEqualTo(two).matches("[0-9a-f]{64}");
        assertThat(parse("Subject: y\r\n\r\nbody one").headerHash()).isNotEqualTo(one);
        assertThat(parse("Subject: x\r\n\r\n").headerHash()).isEqualTo(one);
    }

    @Test
    void part_is_given_decoded_under_the_id_that_parse_gave_it() {
        byte[] content = new byte[10_000];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i * 31);
        }
        byte[] raw = ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
                        + "Content-Type: application/octet-stream; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                        + Base64.getMimeEncoder().encodeToString(content) + "\r\n--b--\r\n")
                .getBytes(StandardCharsets.ISO_8859_1);

        Optional<DecodedPart> part = MimeMessageReader.part(raw, "2", MimeLimits.DEFAULTS);

        assertThat(part.orElseThrow().content()).isEqualTo(content);
        assertThat(part.orElseThrow().part().size()).isEqualTo(10_000);
        assertThat(MimeMessageReader.part(raw, "3", MimeLimits.DEFAULTS)).isEmpty();
    }

    private static String text(String charset, byte[] bytes) {
        byte[] head = ("Content-Type: text/plain; charset=" + charset + "\n\n").getBytes(StandardCharsets.US_ASCII);
        byte[] raw = new byte[head.length + bytes.length];
        System.arraycopy(head, 0, raw, 0, head.length);
        System.arraycopy(bytes, 0, raw, head.length, bytes.length);
        return parse(raw).body().bodyValues().get("1").value();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    private static Optional<String> subject(String field) {
        return parse("Subject: " + field + "\n\n").headers().subject();
    }

    private static List<EmailAddress> from(String field) {
        return parse("From: " + field + "\n\n").headers().from();
    }

    private static Optional<String> date(String field) {
        return parse("Date: " + field + "\n\n").headers().sentAt();
    }

    private static EmailAddress address(String name, String email) {
        return new EmailAddress(Optional.of(name), email);
    }

    private static List<String> ids(List<EmailBodyPart> parts) {
        return parts.stream().map(EmailBodyPart::partId).collect(Collectors.toList());
    }

    private static ParsedEmail parse(String bytes) {
        return parse(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static ParsedEmail parse(byte[] raw) {
        return MimeMessageReader.parse(raw, MimeLimits.DEFAULTS);
    }
}
