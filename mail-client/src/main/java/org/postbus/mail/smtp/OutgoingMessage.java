package org.postbus.mail.smtp;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A message (RFC 5322) that SMTP can carry without any extension: US-ASCII, lines of at most {@value #LINE_OCTETS_MAX}
 * octets that end with CRLF and nothing else (RFC 5321 section 4.5.3.1.6; a bare CR or LF would allow SMTP smuggling).
 * Pure.
 *
 * @param fields in order; values with their folds, without the CRLF at the end
 * @param body lines end with CRLF
 */
public record OutgoingMessage(List<Field> fields, String body) {
    public static final int LINE_OCTETS_MAX = 998;
    /** As much as is read of a header that arrives, see {@code MimeLimits}. */
    public static final int HEADER_OCTETS_MAX = 256 * 1024;

    private static final String CRLF = "\r\n";

    public OutgoingMessage {
        fields = List.copyOf(fields);
    }

    /** A header field. */
    public record Field(String name, String value) {
        boolean is(String other) {
            return name.equalsIgnoreCase(other);
        }
    }

    /**
     * Reads a message; lines may end with LF alone, as in text files.
     *
     * @throws IllegalArgumentException if it is not a message, or not one that may be sent; the text gives the reason
     */
    public static OutgoingMessage of(byte[] message) {
        for (byte octet : message) {
            if (octet <= 0) {
                throw new IllegalArgumentException(
                        "a message is US-ASCII (RFC 5322 section 2.1): encode what is not as quoted-printable or base64");
            }
        }
        String text = new String(message, StandardCharsets.US_ASCII).replace(CRLF, "\n");
        if (text.indexOf('\r') >= 0) {
            throw new IllegalArgumentException("a CR may only stand before a LF (RFC 5322 section 2.2)");
        }
        for (int start = 0; start < text.length(); ) {
            int end = text.indexOf('\n', start);
            int next = end < 0 ? text.length() : end;
            if (next - start > LINE_OCTETS_MAX) {
                throw new IllegalArgumentException("a line may have " + LINE_OCTETS_MAX + " octets at most");
            }
            start = next + 1;
        }
        int blank = text.startsWith("\n") ? 0 : text.indexOf("\n\n");
        String header = blank < 0 ? text : text.substring(0, blank);
        String body = blank < 0 ? "" : text.substring(blank == 0 ? 1 : blank + 2);
        return new OutgoingMessage(fields(header), body.replace("\n", CRLF));
    }

    private static List<Field> fields(String header) {
        if (header.length() > HEADER_OCTETS_MAX) {
            throw new IllegalArgumentException("a header may have " + HEADER_OCTETS_MAX + " octets at most");
        }
        List<Field> fields = new ArrayList<>();
        List<String> folds = new ArrayList<>();
        for (String line : header.split("\n")) {
            if (line.startsWith(" ") || line.startsWith("\t")) {
                if (fields.isEmpty()) {
                    throw new IllegalArgumentException("a message begins with a header field");
                }
                folds.add(line);
                continue;
            }
            unfold(fields, folds);
            int colon = line.indexOf(':');
            String name = colon < 0 ? "" : line.substring(0, colon).stripTrailing();
            if (name.isEmpty() || name.chars().anyMatch(c -> c <= ' ' || c > '~')) {
                throw new IllegalArgumentException(
                        "not a header field: " + line.substring(0, Math.min(line.length(), 40)));
            }
            fields.add(new Field(name, line.substring(colon + 1).stripLeading()));
        }
        unfold(fields, folds);
        return fields;
    }

    /** Appends the folds to the last field, all at once: its value would otherwise be copied for each of them. */
    private static void unfold(List<Field> fields, List<String> folds) {
        if (!folds.isEmpty()) {
            Field folded = fields.removeLast();
            fields.add(new Field(folded.name(), folded.value() + CRLF + String.join(CRLF, folds)));
            folds.clear();
        }
    }

    /** The value of the first field of that name. */
    public Optional<String> field(String name) {
        return fields.stream().filter(field -> field.is(name)).map(Field::value).findFirst();
    }

    /** A copy with this field first and no other field of its name. */
    public OutgoingMessage with(String name, String value) {
        List<Field> others = new ArrayList<>(without(name).fields);
        others.addFirst(new Field(name, value));
        return new OutgoingMessage(others, body);
    }

    public OutgoingMessage without(String name) {
        return new OutgoingMessage(
                fields.stream().filter(field -> !field.is(name)).toList(), body);
    }

    /** The octets that are sent and stored. */
    public byte[] octets() {
        StringBuilder text = new StringBuilder(body.length() + 1024);
        fields.forEach(field ->
                text.append(field.name()).append(": ").append(field.value()).append(CRLF));
        return text.append(CRLF).append(body).toString().getBytes(StandardCharsets.US_ASCII);
    }
}
