package org.postbus.mail.imap.grammar.response;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.LiteralRules;
import org.postbus.mail.imap.grammar.BodyStructure;
import org.postbus.mail.imap.grammar.FetchedMessage;

class BodyStructureTest {

    private static FetchedMessage message(String structure) {
        byte[] octets = ("* 1 FETCH (UID 1 BODYSTRUCTURE " + structure + " RFC822.SIZE 9)\r\n")
                .getBytes(StandardCharsets.ISO_8859_1);
        ImapFramer framer = new ImapFramer(1 << 20, LiteralRules.keepingAtMost(1 << 20));
        framer.feed(octets, 0, octets.length);
        return ((ImapResponse.Fetch) new ImapParser(64).parse((ImapFrame) framer.next())).message();
    }

    /** {@code mixed[1 text/plain 5, 2 …]}: numbers, types, sizes and dispositions. */
    private static String shown(BodyStructure structure) {
        return switch (structure) {
            case BodyStructure.Multipart multipart ->
                multipart.parts().stream()
                        .map(BodyStructureTest::shown)
                        .collect(Collectors.joining(", ", multipart.subtype() + "[", "]"));
            case BodyStructure.Part part ->
                part.partId() + " " + part.type()
                        + (part.octets().isPresent() ? " " + part.octets().getAsLong() : "")
                        + part.disposition().map(word -> " " + word).orElse("")
                        + part.message().map(inner -> " {" + shown(inner) + "}").orElse("");
        };
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            ("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1)                                        | 1 text/plain 5
            ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 -1 NIL NIL NIL NIL)                                        | 1 text/plain 5
            ("TEXT" "PLAIN" () NIL NIL NIL -1 -1)                                                           | 1 text/plain
            (NIL NIL NIL NIL NIL NIL NIL)                                                                   | 1 application/octet-stream
            ("text" NIL NIL NIL NIL "7bit" 5 1)                                                             | 1 text/plain 5
            ("image" "png" NIL NIL NIL "base64" 5 NIL ("attachment" ("filename" "a")) NIL)                  | 1 image/png 5 attachment
            ("image" "png" NIL NIL NIL "base64" 5 12 NIL ("attachment" NIL) NIL)                            | 1 image/png 5 attachment
            ("image" "png" NIL NIL NIL "base64" 5 NIL "attachment" NIL NIL)                                 | 1 image/png 5 attachment
            ("image" "png" NIL NIL NIL "base64" 5 NIL NIL ("INLINE" ("filename" "a")))                      | 1 image/png 5 inline
            ("image" "png" NIL NIL NIL "base64" 5 NIL ("en" "de") ("inline" NIL))                           | 1 image/png 5 inline
            ("image" "png" NIL NIL NIL "base64" 5 NIL () "en" NIL)                                          | 1 image/png 5
            (("text" "plain" NIL NIL NIL "7bit" 5 1)("text" "html" NIL NIL NIL "7bit" 6 1) "alternative")   | alternative[1 text/plain 5, 2 text/html 6]
            ((("text" "plain" NIL NIL NIL "7bit" 5 1) "related") NIL ("a" "b" NIL NIL NIL NIL 7) "mixed")   | mixed[related[1.1 text/plain 5], 2 application/octet-stream, 3 a/b 7]
            ("mixed" ("boundary" "x") NIL NIL)                                                              | mixed[]
            (NIL "mixed" ("boundary" "x") NIL NIL)                                                          | mixed[]
            (() "mixed")                                                                                    | mixed[]
            (("text" "plain" NIL NIL NIL "7bit" 5 1) NIL NIL)                                               | mixed[1 text/plain 5, 2 application/octet-stream, 3 application/octet-stream]
            ("message" "rfc822" NIL NIL NIL "7bit" 50 (NIL NIL) ("text" "plain" NIL NIL NIL "7bit" 5 1) 3)  | 1 message/rfc822 50 {1.1 text/plain 5}
            ("message" "rfc822" NIL NIL NIL "7bit" 50 () (("a" "b" NIL NIL NIL NIL 5) "mixed") 3)           | 1 message/rfc822 50 {mixed[1.1 a/b 5]}
            ("message" "rfc822" NIL NIL NIL "7bit" 50 NIL NIL 3)                                            | 1 message/rfc822 50
            ("message" "rfc822" NIL NIL NIL "7bit" 50 NIL ("attachment" ("filename" "m.eml")) NIL)          | 1 message/rfc822 50 attachment
            ("message" "rfc822" NIL NIL NIL "7bit" 50)                                                      | 1 message/rfc822 50
            ("message" "delivery-status" NIL NIL NIL "7bit" 50 NIL ("inline" NIL) NIL)                      | 1 message/delivery-status 50 inline
            """)
    void malformed_body_structure_is_read_as_far_as_possible(String structure, String expected) {
        FetchedMessage message = message(structure);

        assertThat(message.unparsed()).isEmpty();
        assertThat(message.bodyStructure().map(BodyStructureTest::shown)).contains(expected);
        assertThat(message.size()).hasValue(9);
    }

    @Test
    void parameters_are_kept_raw_by_lower_case_name() {
        BodyStructure.Part part = (BodyStructure.Part) message(
                        "(\"application\" \"pdf\" (\"NAME\" {3}\r\na\"b NIL \"x\" \"odd\")"
                                + " \"<c@d>\" \"text\" \"BASE64\" 4294967296 NIL (\"ATTACHMENT\" (\"FileName*0*\" \"utf-8''%C3%A4\" \"filename*1\" \".pdf\")))")
                .bodyStructure()
                .orElseThrow();

        assertThat(part.parameters()).isEqualTo(Map.of("name", "a\"b"));
        assertThat(part.contentId()).contains("<c@d>");
        assertThat(part.encoding()).contains("base64");
        assertThat(part.octets()).hasValue(4294967296L);
        assertThat(part.dispositionParameters())
                .isEqualTo(Map.of("filename*0*", "utf-8''%C3%A4", "filename*1", ".pdf"));
    }

    @Test
    void leaves_come_in_order_and_a_message_inside_is_one() {
        BodyStructure structure = message("((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)"
                        + "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 50 () ((\"a\" \"b\" NIL NIL NIL NIL 5) \"mixed\") 3)"
                        + "((\"c\" \"d\" NIL NIL NIL NIL 5) \"related\") \"mixed\")")
                .bodyStructure()
                .orElseThrow();

        assertThat(structure.leaves()).extracting(BodyStructure.Part::partId).isEqualTo(List.of("1", "2", "3.1"));
    }

    @Test
    void invalid_structure_is_kept_unparsed() {
        for (String none : List.of("NIL", "()", "\"text\"", "(".repeat(65) + ")".repeat(65))) {
            FetchedMessage message = message(none);
            assertThat(message.bodyStructure()).as(none).isEmpty();
            assertThat(message.unparsed()).as(none).containsOnlyKeys("BODYSTRUCTURE");
            assertThat(message.size()).as(none).hasValue(9);
        }
    }
}
