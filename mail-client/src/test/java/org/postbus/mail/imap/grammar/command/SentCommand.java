package org.postbus.mail.imap.grammar.command;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A command as a server reads it, independent of the encoder: words, quoted strings and literals, and lists of them.
 */
record SentCommand(List<Object> words) {

    /** @throws AssertionError unless the octets are one command and nothing else */
    static SentCommand read(byte[] octets) {
        Reader reader = new Reader(octets);
        List<Object> words = reader.words((char) 0);
        if (reader.at != octets.length) {
            throw new AssertionError("more than one command: " + new String(octets, StandardCharsets.ISO_8859_1));
        }
        return new SentCommand(words);
    }

    private static final class Reader {
        private final byte[] octets;
        private int at;

        private Reader(byte[] octets) {
            this.octets = octets;
        }

        private List<Object> words(char end) {
            List<Object> words = new ArrayList<>();
            while (true) {
                char c = next();
                if (c == '\r') {
                    expect(end == 0 && next() == '\n', "a line that ends too early");
                    return words;
                } else if (c == end && end != 0) {
                    return words;
                } else if (c == '(') {
                    words.add(words(')'));
                } else if (c == '"') {
                    words.add(quoted());
                } else if (c == '{') {
                    words.add(literal());
                } else if (c != ' ') {
                    words.add(atom(c));
                }
            }
        }

        private String quoted() {
            StringBuilder text = new StringBuilder();
            for (char c = next(); c != '"'; c = next()) {
                expect(c != '\r' && c != '\n' && c != 0 && c < 0x80, "a quoted string with " + (int) c);
                text.append(c == '\\' ? next() : c);
            }
            return text.toString();
        }

        private String literal() {
            int size = 0;
            char c = next();
            for (; c >= '0' && c <= '9'; c = next()) {
                size = size * 10 + c - '0';
            }
            c = c == '+' ? next() : c;
            expect(c == '}' && next() == '\r' && next() == '\n', "a literal that is none");
            String text = new String(octets, at, size, StandardCharsets.UTF_8);
            at += size;
            return text;
        }

        private String atom(char first) {
            StringBuilder text = new StringBuilder().append(first);
            while (" ()\r\"".indexOf(octets[at]) < 0) {
                char c = next();
                expect(c > ' ' && c < 0x7F, "an atom with " + (int) c);
                text.append(c);
            }
            return text.toString();
        }

        private char next() {
            expect(at < octets.length, "the command does not end");
            return (char) (octets[at++] & 0xFF);
        }

        private void expect(boolean met, String otherwise) {
            if (!met) {
                throw new AssertionError(otherwise + ": " + new String(octets, StandardCharsets.ISO_8859_1));
            }
        }
    }
}
