package org.postbus.mail.imap.grammar;

import java.util.Objects;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * Part of the content of one message, to be fetched without setting {@code \Seen} (RFC 9051 section 6.4.5, RFC 3516).
 *
 * @param partId {@code 1.2} as in {@link BodyStructure}; empty for the message itself
 * @param octetsMax limits it to the first octets; of the decoded content for {@link Form#DECODED}
 */
public record Section(Form form, String partId, OptionalInt octetsMax) {
    private static final Pattern PART_ID = Pattern.compile("[1-9][0-9]{0,5}(\\.[1-9][0-9]{0,5}){0,99}");

    public enum Form {
        /** As it is in the message, still encoded; for the message itself, header and all. */
        RAW,
        /** Its MIME header; for the message itself, its header. */
        HEADER,
        /** Decoded from base64 or quoted-printable by the server; needs the capability BINARY. */
        DECODED
    }

    public Section {
        Objects.requireNonNull(form);
        if (!partId.isEmpty() && !PART_ID.matcher(partId).matches()) {
            throw new IllegalArgumentException("not a part specifier: " + partId);
        }
        if (octetsMax.isPresent() && octetsMax.getAsInt() < 1) {
            throw new IllegalArgumentException("octets must be positive");
        }
    }

    /** The whole message, {@code BODY.PEEK[]}. */
    public static Section message() {
        return new Section(Form.RAW, "", OptionalInt.empty());
    }

    /** {@code BODY.PEEK[1.2]}. */
    public static Section part(String partId) {
        return new Section(Form.RAW, partId, OptionalInt.empty());
    }

    /** {@code BODY.PEEK[1.2.MIME]}, or {@code BODY.PEEK[HEADER]} of the message itself. */
    public static Section header(String partId) {
        return new Section(Form.HEADER, partId, OptionalInt.empty());
    }

    /** {@code BINARY.PEEK[1.2]}. A server may refuse single parts with {@code UNKNOWN-CTE}. */
    public static Section decoded(String partId) {
        return new Section(Form.DECODED, partId, OptionalInt.empty());
    }

    public Section first(int octets) {
        return new Section(form, partId, OptionalInt.of(octets));
    }

    public String request() {
        String peek = (form == Form.DECODED ? "BINARY.PEEK[" : "BODY.PEEK[") + specifier() + "]";
        return octetsMax.isPresent() ? peek + "<0." + octetsMax.getAsInt() + ">" : peek;
    }

    /** The item name in the answer, without the origin of a partial one. */
    public String itemName() {
        return (form == Form.DECODED ? "BINARY[" : "BODY[") + specifier() + "]";
    }

    private String specifier() {
        return switch (form) {
            case RAW, DECODED -> partId;
            case HEADER -> partId.isEmpty() ? "HEADER" : partId + ".MIME";
        };
    }
}
