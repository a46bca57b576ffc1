package org.postbus.mail.imap.framing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.response.ImapParser;
import org.postbus.mail.imap.grammar.response.ImapResponse;

class ImapFramerTest {
    private static final int LINE_MAX = 2048;
    private static final int LITERAL_MAX = 1 << 20;

    @Test
    void any_chunking_gives_the_same_frames() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            List<String> expected = new ArrayList<>();
            byte[] stream = randomStream(random, expected);

            List<String> got = new ArrayList<>();
            ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
            int at = 0;
            while (at < stream.length) {
                int count = Math.min(stream.length - at, 1 + random.nextInt(random.nextBoolean() ? 3 : 5000));
                framer.feed(stream, at, count);
                at += count;
                if (random.nextBoolean()) { // otherwise more is fed before the next read
                    drain(framer, got);
                }
            }
            drain(framer, got);

            assertThat(got).as("seed %d", seed).isEqualTo(expected);
            assertThat(framer.isEmpty()).as("seed %d", seed).isTrue();
        }
    }

    /** Octets to responses; one literal of each message is streamed and not kept. */
    @Test
    void any_chunking_gives_the_same_responses_and_the_same_content() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            byte[] stream = randomResponses(random);

            List<String> whole = responses(stream, stream.length, new Random(0));
            List<String> chunked = responses(stream, random.nextBoolean() ? 3 : 3000, random);

            assertThat(chunked).as("seed %d", seed).isEqualTo(whole);
            assertThat(whole).as("seed %d", seed).noneMatch(shown -> shown.startsWith("Unknown"));
        }
    }

    private static List<String> responses(byte[] stream, int chunkMax, Random random) {
        List<String> responses = new ArrayList<>();
        StringBuilder content = new StringBuilder();
        ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
        framer.literals(new LiteralRules() {
            @Override
            public Rule of(byte[] text, int length) {
                String before = new String(text, 0, length, StandardCharsets.ISO_8859_1);
                return new Rule(before.contains("BODY[1]"), LITERAL_MAX);
            }

            @Override
            public long responseOctetsMax() {
                return LITERAL_MAX;
            }
        });
        ImapParser parser = new ImapParser(64);
        int at = 0;
        while (at < stream.length) {
            int count = Math.min(stream.length - at, 1 + random.nextInt(chunkMax));
            framer.feed(Arrays.copyOfRange(stream, at, at + count), 0, count);
            at += count;
            for (ImapFramer.Framed framed = framer.next(); framed != null; framed = framer.next()) {
                switch (framed) {
                    case ImapFramer.LiteralPart part ->
                        content.append(
                                new String(part.octets(), part.offset(), part.count(), StandardCharsets.ISO_8859_1));
                    case ImapFrame frame -> {
                        responses.add(shown(parser.parse(frame)) + " " + content);
                        content.setLength(0);
                    }
                }
            }
        }
        return responses;
    }

    /** Arrays by what is in them. */
    private static String shown(ImapResponse response) {
        if (!(response instanceof ImapResponse.Fetch fetch)) {
            return response.toString();
        }
        FetchedMessage message = fetch.message();
        return "Fetch " + fetch.sequenceNumber() + " " + message.uid() + " " + message.flags() + " "
                + message.header().map(ImapFramerTest::latin1) + " " + message.bodyStructure();
    }

    private static byte[] randomResponses(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 1 + random.nextInt(10); i > 0; i--) {
            byte[] octets = new byte[random.nextInt(random.nextInt(10) == 0 ? 100_000 : 30)];
            random.nextBytes(octets);
            String literal = "{" + octets.length + "}\r\n" + latin1(octets);
            String response =
                    switch (random.nextInt(8)) {
                        case 0 -> "* " + i + " EXISTS";
                        case 1 -> "* OK [UIDNEXT " + i + "] see {5}";
                        case 2 -> "+ go on {7}";
                        case 3 -> "* LIST () \"/\" {3}\r\na{b";
                        case 4 -> "A" + i + " NO [CANNOT] x";
                        case 5 -> "* " + i + " FETCH (FLAGS (\\Seen) BODY[1] " + literal + " UID 7)";
                        case 6 -> "* " + i + " FETCH (UID 7 BODY[HEADER] ~" + literal + " BODY[1] " + literal + ")";
                        default -> "* " + i + " FETCH (UID 7 BODYSTRUCTURE (\"a\" {1}\r\nb NIL NIL NIL NIL 5))";
                    };
            out.writeBytes(latin1(response + (random.nextBoolean() ? "\r\n" : "\n")));
        }
        return out.toByteArray();
    }

    /** Lines and literals of any octets; the literals hold lines of their own. */
    private static byte[] randomStream(Random random, List<String> frames) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int count = 1 + random.nextInt(8);
        for (int i = 0; i < count; i++) {
            StringBuilder frame = new StringBuilder("* " + i + " FETCH (UID 5");
            out.writeBytes(latin1(frame.toString()));
            for (int literal = random.nextInt(4); literal > 0; literal--) {
                byte[] octets = new byte[random.nextInt(random.nextInt(10) == 0 ? 300_000 : 40)];
                random.nextBytes(octets);
                String declared = " BODY[] " + (random.nextBoolean() ? "~" : "") + "{" + octets.length + "}";
                out.writeBytes(latin1(declared + "\r\n"));
                out.writeBytes(octets);
                frame.append(declared)
                        .append('\n')
                        .append("<")
                        .append(latin1(octets))
                        .append(">");
            }
            String end = random.nextBoolean() ? ")" : " FLAGS (\\Seen))";
            out.writeBytes(latin1(end + (random.nextBoolean() ? "\r\n" : "\n")));
            frames.add(frame + end);
        }
        return out.toByteArray();
    }

    private static void drain(ImapFramer framer, List<String> into) {
        for (ImapFrame frame = (ImapFrame) framer.next(); frame != null; frame = (ImapFrame) framer.next()) {
            StringBuilder shown = new StringBuilder();
            int literal = 0;
            for (int i = 0; i < frame.length(); i++) {
                shown.append((char) (frame.text()[i] & 0xFF));
                if (frame.text()[i] == '\n') {
                    shown.append("<")
                            .append(latin1(frame.literals().get(literal++)))
                            .append(">");
                }
            }
            into.add(shown.toString());
        }
    }

    @Test
    void text_that_ends_like_a_literal_is_text() {
        for (String line : List.of(
                "* OK see RFC {5}",
                "* no {5}",
                "* BYE {5}",
                "* [COPYUID 1 2 3] {5}",
                "A1 OK done {5}",
                "+ go on {5}",
                "* LIST () \"/\" a{5}",
                "* SEARCH {x5}",
                "* SEARCH {}",
                "* SEARCH {-5}")) {
            assertThat(frames(line + "\r\n* 1 EXISTS\r\n")).as(line).containsExactly(line, "* 1 EXISTS");
        }
    }

    @Test
    void empty_lines_and_padding_between_responses_mean_nothing() {
        assertThat(frames("\r\n\0\0* 1 EXISTS\n\n\r\n\0* 2 EXISTS\r\n")).containsExactly("* 1 EXISTS", "* 2 EXISTS");
    }

    @Test
    void line_beyond_the_limit_is_a_violation_before_it_ends() {
        ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
        byte[] octets = latin1("* " + "x".repeat(LINE_MAX));
        framer.feed(octets, 0, octets.length);

        assertThatThrownBy(framer::next).isInstanceOf(ImapViolation.class);
    }

    @Test
    void literals_of_one_response_count_as_one_line() {
        ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
        byte[] octets = latin1("* LIST " + " {1}\r\nx".repeat(LINE_MAX / 4));
        framer.feed(octets, 0, octets.length);

        assertThatThrownBy(framer::next).isInstanceOf(ImapViolation.class);
    }

    @Test
    void literal_beyond_the_limit_is_a_violation_when_it_is_declared() {
        for (String size : List.of("1048577", "2147483647", "2147483648", "99999999999999999999")) {
            ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
            byte[] octets = latin1("* 1 FETCH (BODY[] {" + size + "}\r\n");
            framer.feed(octets, 0, octets.length);

            assertThatThrownBy(framer::next).as(size).isInstanceOf(ImapViolation.class);
        }
    }

    private static List<String> frames(String stream) {
        List<String> frames = new ArrayList<>();
        ImapFramer framer = new ImapFramer(LINE_MAX, LiteralRules.keepingAtMost(LITERAL_MAX));
        byte[] octets = latin1(stream);
        framer.feed(octets, 0, octets.length);
        drain(framer, frames);
        return frames;
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String latin1(byte[] octets) {
        return new String(octets, StandardCharsets.ISO_8859_1);
    }
}
