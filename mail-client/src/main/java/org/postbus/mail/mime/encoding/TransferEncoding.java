package org.postbus.mail.mime.encoding;

import java.util.Arrays;
import java.util.Locale;

/**
 * Content-Transfer-Encodings (RFC 2045 section 6), decoded as far as possible: malformed parts are kept or skipped,
 * because half an image is better than none.
 */
public enum TransferEncoding {
    /** 7bit, 8bit, binary, and whatever is unknown. */
    IDENTITY,
    BASE64,
    QUOTED_PRINTABLE;

    private static final byte[] BASE64_VALUES = base64Values();

    public static TransferEncoding of(String name) {
        return switch (name.strip().toLowerCase(Locale.ROOT)) {
            case "base64" -> BASE64;
            case "quoted-printable" -> QUOTED_PRINTABLE;
            default -> IDENTITY;
        };
    }

    /** At most {@code bytesMax} decoded bytes. */
    public byte[] decode(byte[] encoded, int bytesMax) {
        return switch (this) {
            case IDENTITY -> encoded.length <= bytesMax ? encoded : Arrays.copyOf(encoded, bytesMax);
            case BASE64 -> base64(encoded, bytesMax);
            case QUOTED_PRINTABLE -> quotedPrintable(encoded, bytesMax);
        };
    }

    /** How many bytes {@link #decode} would give without a limit. */
    public long decodedSize(byte[] encoded) {
        return switch (this) {
            case IDENTITY -> encoded.length;
            case BASE64 -> {
                long digits = 0;
                long size = 0;
                for (byte b : encoded) {
                    if (b == '=') {
                        size += digits * 6 / 8;
                        digits = 0;
                    } else if (BASE64_VALUES[b & 0xFF] >= 0) {
                        digits++;
                    }
                }
                yield size + digits * 6 / 8;
            }
            case QUOTED_PRINTABLE -> quotedPrintable(encoded, encoded.length).length;
        };
    }

    static boolean isBase64Digit(byte b) {
        return BASE64_VALUES[b & 0xFF] >= 0;
    }

    /** Skips what is no digit; padding ends a group, and another may follow (some concatenate them). */
    public static byte[] base64(byte[] encoded, int bytesMax) {
        byte[] decoded = new byte[Math.min(bytesMax, encoded.length / 4 * 3 + 3)];
        int length = 0;
        int bits = 0;
        int bitCount = 0;
        for (byte b : encoded) {
            int value = BASE64_VALUES[b & 0xFF];
            if (value < 0) {
                if (b == '=') {
                    bitCount = 0;
                }
                continue;
            }
            bits = bits << 6 | value;
            bitCount += 6;
            if (bitCount >= 8) {
                bitCount -= 8;
                if (length == decoded.length) {
                    return decoded;
                }
                decoded[length++] = (byte) (bits >> bitCount);
            }
        }
        return length == decoded.length ? decoded : Arrays.copyOf(decoded, length);
    }

    /** RFC 2045 section 6.7; {@code =} that starts no escape stays, and so do raw 8-bit bytes. */
    private static byte[] quotedPrintable(byte[] encoded, int bytesMax) {
        byte[] decoded = new byte[Math.min(bytesMax, encoded.length)];
        int length = 0;
        int blanksFrom = -1;
        for (int i = 0; i < encoded.length; i++) {
            byte b = encoded[i];
            if (b == '\r' || b == '\n') {
                // Blanks before a line end were added on the way (rule 3).
                if (blanksFrom >= 0) {
                    length = blanksFrom;
                }
            } else if (b == '=') {
                int lineEnd = softLineEnd(encoded, i + 1);
                if (lineEnd >= 0) {
                    i = lineEnd;
                    blanksFrom = -1;
                    continue;
                }
                int value = hex(encoded, i + 1);
                if (value >= 0) {
                    b = (byte) value;
                    i += 2;
                    blanksFrom = -1;
                    if (length == decoded.length) {
                        return decoded;
                    }
                    decoded[length++] = b;
                    continue;
                }
            }
            if (b == ' ' || b == '\t') {
                blanksFrom = blanksFrom < 0 ? length : blanksFrom;
            } else {
                blanksFrom = -1;
            }
            if (length == decoded.length) {
                return decoded;
            }
            decoded[length++] = b;
        }
        return length == decoded.length ? decoded : Arrays.copyOf(decoded, length);
    }

    /** The index of the line end's last byte if only blanks stand before it (or before the end), else -1. */
    private static int softLineEnd(byte[] encoded, int from) {
        int i = from;
        while (i < encoded.length && (encoded[i] == ' ' || encoded[i] == '\t')) {
            i++;
        }
        if (i == encoded.length) {
            return i;
        }
        if (encoded[i] == '\r') {
            return i + 1 < encoded.length && encoded[i + 1] == '\n' ? i + 1 : i;
        }
        return encoded[i] == '\n' ? i : -1;
    }

    /** The value of two hexadecimal digits, else -1. */
    public static int hex(byte[] text, int from) {
        if (from + 1 >= text.length) {
            return -1;
        }
        int high = hexDigit(text[from]);
        int low = hexDigit(text[from + 1]);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    private static int hexDigit(byte b) {
        if (b >= '0' && b <= '9') {
            return b - '0';
        }
        int letter = b | 0x20;
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    }

    private static byte[] base64Values() {
        byte[] values = new byte[256];
        Arrays.fill(values, (byte) -1);
        String digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (int i = 0; i < digits.length(); i++) {
            values[digits.charAt(i)] = (byte) i;
        }
        return values;
    }
}
