package org.postbus.mail.mime.header;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.postbus.mail.mime.encoding.MailCharset;
import org.postbus.mail.mime.encoding.TransferEncoding;

/**
 * A value with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183), with RFC 2231's
 * continuations and charsets.
 *
 * @param value in lower case, without comments
 * @param parameters decoded, by name in lower case
 */
public record HeaderParameters(String value, Map<String, String> parameters) {
    private static final int PARAMETERS_MAX = 200;

    public Optional<String> parameter(String name) {
        return Optional.ofNullable(parameters.get(name)).filter(text -> !text.isBlank());
    }

    /** @param field unfolded, a char per byte */
    static HeaderParameters parse(String field) {
        var scanner = new Scanner(field);
        String value = scanner.until(';').strip().toLowerCase(Locale.ROOT);
        var segments = new Segments();
        for (int count = 0; scanner.hasMore() && count < PARAMETERS_MAX; count++) {
            String name = scanner.until('=', ';').strip().toLowerCase(Locale.ROOT);
            if (scanner.endedAt('=')) {
                segments.add(name, scanner.value());
            }
        }
        return new HeaderParameters(value, segments.decoded());
    }

    /** @param raw by name in lower case, as BODYSTRUCTURE has them: apart already, and not decoded */
    public static HeaderParameters of(String value, Map<String, String> raw) {
        var segments = new Segments();
        raw.entrySet().stream()
                .limit(PARAMETERS_MAX)
                .forEach(parameter -> segments.add(parameter.getKey(), parameter.getValue()));
        return new HeaderParameters(value, segments.decoded());
    }

    private static final class Segments {
        private final Map<String, String> plain = new HashMap<>();
        private final Map<String, TreeMap<Integer, Segment>> split = new HashMap<>();

        void add(String name, String text) {
            int star = name.indexOf('*');
            if (star < 0) {
                plain.putIfAbsent(name, text);
            } else {
                boolean encoded = name.endsWith("*");
                String number = name.substring(star + 1, Math.max(star + 1, name.length() - (encoded ? 1 : 0)));
                split.computeIfAbsent(name.substring(0, star), key -> new TreeMap<>())
                        .putIfAbsent(number(number), new Segment(text, encoded));
            }
        }

        Map<String, String> decoded() {
            Map<String, String> parameters = new HashMap<>();
            plain.forEach((name, text) -> parameters.put(name, HeaderText.decode(text)));
            split.forEach((name, segments) -> parameters.put(name, join(segments)));
            return Map.copyOf(parameters);
        }
    }

    private static int number(String digits) {
        return digits.length() <= 3 && !digits.isEmpty() && digits.chars().allMatch(c -> c >= '0' && c <= '9')
                ? Integer.parseInt(digits)
                : 0;
    }

    private record Segment(String text, boolean encoded) {}

    /** RFC 2231 sections 3 and 4.1: only the first segment names the charset. */
    private static String join(TreeMap<Integer, Segment> segments) {
        var bytes = new ByteArrayOutputStream();
        Optional<String> charset = Optional.empty();
        boolean first = true;
        for (Segment segment : segments.values()) {
            String text = segment.text;
            if (segment.encoded) {
                int charsetEnd = text.indexOf('\'');
                int languageEnd = charsetEnd < 0 ? -1 : text.indexOf('\'', charsetEnd + 1);
                if (first && languageEnd >= 0) {
                    charset = Optional.of(text.substring(0, charsetEnd)).filter(label -> !label.isBlank());
                    text = text.substring(languageEnd + 1);
                }
                bytes.writeBytes(percentDecode(text.getBytes(StandardCharsets.ISO_8859_1)));
            } else {
                bytes.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
            }
            first = false;
        }
        return charset.isPresent()
                ? MailCharset.decode(bytes.toByteArray(), charset, false).text()
                : HeaderText.decode(bytes.toString(StandardCharsets.ISO_8859_1));
    }

    private static byte[] percentDecode(byte[] text) {
        var decoded = new ByteArrayOutputStream(text.length);
        for (int i = 0; i < text.length; i++) {
            int value = text[i] == '%' ? TransferEncoding.hex(text, i + 1) : -1;
            if (value >= 0) {
                decoded.write(value);
                i += 2;
            } else {
                decoded.write(text[i]);
            }
        }
        return decoded.toByteArray();
    }

    private static final class Scanner {
        private final String field;
        private int position;
        private char endedAt;

        Scanner(String field) {
            this.field = field;
        }

        boolean hasMore() {
            return position < field.length();
        }

        boolean endedAt(char c) {
            return endedAt == c;
        }

        /** The text up to one of the characters, which is skipped; comments are left out. */
        String until(char... ends) {
            var text = new StringBuilder();
            endedAt = 0;
            while (position < field.length()) {
                char c = field.charAt(position++);
                for (char end : ends) {
                    if (c == end) {
                        endedAt = c;
                        return text.toString();
                    }
                }
                if (c == '(') {
                    skipComment();
                } else {
                    text.append(c);
                }
            }
            return text.toString();
        }

        /** A token or quoted string, up to and over the next semicolon. */
        String value() {
            while (position < field.length() && isBlank(field.charAt(position))) {
                position++;
            }
            if (position >= field.length() || field.charAt(position) != '"') {
                return until(';').strip();
            }
            position++;
            var text = new StringBuilder();
            while (position < field.length()) {
                char c = field.charAt(position++);
                if (c == '\\' && position < field.length()) {
                    text.append(field.charAt(position++));
                } else if (c == '"') {
                    break;
                } else {
                    text.append(c);
                }
            }
            until(';');
            return text.toString();
        }

        private void skipComment() {
            int depth = 1;
            while (position < field.length() && depth > 0) {
                char c = field.charAt(position++);
                if (c == '\\') {
                    position++;
                } else if (c == '(') {
                    depth++;
                } else if (c == ')') {
                    depth--;
                }
            }
        }

        private static boolean isBlank(char c) {
            return c == ' ' || c == '\t';
        }
    }
}
