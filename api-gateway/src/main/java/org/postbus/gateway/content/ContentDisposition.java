package org.postbus.gateway.content;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.postbus.model.EmailBodyPart;

/**
 * Headers of a download, made from the name and type that the sender of the mail chose. They can neither inject another header, nor name a
 * path, nor make a browser run the content. Pure.
 */
final class ContentDisposition {
    /** File systems allow 255 bytes, and a browser may append to the name. */
    private static final int NAME_LENGTH_MAX = 120;

    private static final String NO_NAME = "attachment";

    /** RFC 9110 section 8.3.1. */
    private static final Pattern MEDIA_TYPE =
            Pattern.compile("[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}");

    private static final Pattern CHARSET = Pattern.compile("[A-Za-z0-9_.:+-]{1,64}");

    /** RFC 8187 section 3.2.1: attr-char. */
    private static final String ATTR_CHARS =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~";

    private ContentDisposition() {}

    /** RFC 6266: always {@code attachment}; {@code filename*} only where the name is not ASCII. */
    static String attachment(Optional<String> claimed) {
        String name = fileName(claimed.orElse(""));
        StringBuilder ascii = new StringBuilder();
        name.codePoints().forEach(c -> ascii.append(c < 0x7F && c != '%' ? (char) c : '_'));
        String header = "attachment; filename=\"" + ascii + "\"";
        return ascii.toString().equals(name) ? header : header + "; filename*=UTF-8''" + percentEncoded(name);
    }

    /** Removes what a file system or a shell interprets, and characters that a user can not see. Never empty. */
    static String fileName(String claimed) {
        String last = claimed.substring(Math.max(claimed.lastIndexOf('/'), claimed.lastIndexOf('\\')) + 1);
        StringBuilder name = new StringBuilder();
        last.codePoints()
                .filter(c -> !Character.isISOControl(c) && !isInvisible(c))
                .map(c -> c < 0x80 && "<>:\"|?*;".indexOf(c) >= 0 ? '_' : c)
                .forEach(name::appendCodePoint);
        // A leading dot hides a file; some systems drop a trailing dot or blank.
        String trimmed = name.toString().strip().replaceAll("^[. ]+|[. ]+$", "");
        return trimmed.isEmpty() ? NO_NAME : shortened(trimmed);
    }

    /** A right-to-left override shows {@code pdf.exe} as {@code exe.fdp}; half a surrogate pair is no character. */
    private static boolean isInvisible(int c) {
        int type = Character.getType(c);
        return type == Character.FORMAT
                || type == Character.SURROGATE
                || type == Character.LINE_SEPARATOR
                || type == Character.PARAGRAPH_SEPARATOR;
    }

    private static String shortened(String name) {
        if (name.length() <= NAME_LENGTH_MAX) {
            return name;
        }
        int dot = name.lastIndexOf('.');
        String extension = dot > 0 && name.length() - dot <= 10 ? name.substring(dot) : "";
        int end = NAME_LENGTH_MAX - extension.length();
        if (Character.isHighSurrogate(name.charAt(end - 1))) {
            end--;
        }
        return name.substring(0, end) + extension;
    }

    private static String percentEncoded(String name) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            if (ATTR_CHARS.indexOf(b) >= 0) {
                encoded.append((char) b);
            } else {
                encoded.append('%').append("%02X".formatted(b & 0xFF));
            }
        }
        return encoded.toString();
    }

    /** The part's type, with the charset of a text; {@code application/octet-stream} if the type is not valid. */
    static String contentType(EmailBodyPart part) {
        if (!MEDIA_TYPE.matcher(part.type()).matches()) {
            return "application/octet-stream";
        }
        return part.charset()
                .filter(charset -> part.type().startsWith("text/")
                        && CHARSET.matcher(charset).matches())
                .map(charset -> part.type() + "; charset=" + charset)
                .orElse(part.type());
    }
}
