package org.postbus.mail;

import java.nio.charset.StandardCharsets;
import java.text.BreakIterator;
import java.util.Locale;

/**
 * Makes text of unknown origin safe to store: PostgreSQL cannot store U+0000, and UTF-8 cannot encode half a surrogate
 * pair.
 */
public final class Text {
    /** At this length copying all characters is cheaper than checking each one. */
    private static final int LONG = 256;

    private Text() {}

    /** The text without U+0000; half a surrogate pair becomes U+FFFD. The same instance if it is clean. */
    public static String clean(String text) {
        int bad = firstBad(text);
        if (bad < 0) {
            return text;
        }
        var clean = new StringBuilder(text.length()).append(text, 0, bad);
        for (int i = bad; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                continue;
            }
            if (!Character.isSurrogate(c)) {
                clean.append(c);
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                clean.append(c).append(text.charAt(++i));
            } else {
                clean.append('\uFFFD');
            }
        }
        return clean.toString();
    }

    private static int firstBad(String text) {
        if (text.length() >= LONG && isAscii(text)) {
            return text.indexOf('\0');
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return i;
            }
            if (Character.isSurrogate(c)) {
                boolean pair = Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (!pair) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }

    private static boolean isAscii(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        // Half a surrogate pair is one byte, too: a question mark.
        return utf8.length == text.length() && new String(utf8, StandardCharsets.ISO_8859_1).equals(text);
    }

    /** At most {@code lengthMax} UTF-16 units, cut between two characters as people see them (graphemes). */
    public static String cut(String text, int lengthMax) {
        if (text.length() <= lengthMax) {
            return text;
        }
        if (isSimple(text.charAt(lengthMax - 1)) && isSimple(text.charAt(lengthMax))) {
            return text.substring(0, lengthMax);
        }
        // The text after the cut only decides whether the last character continues, so a little of it is enough.
        String start = text.substring(0, Math.min(text.length(), lengthMax + 64));
        BreakIterator characters = BreakIterator.getCharacterInstance(Locale.ROOT);
        characters.setText(start);
        int end = characters.isBoundary(lengthMax) ? lengthMax : characters.preceding(lengthMax);
        if (end <= 0) {
            end = Character.isHighSurrogate(text.charAt(lengthMax - 1)) ? lengthMax - 1 : lengthMax;
        }
        return text.substring(0, end);
    }

    /** Printable ASCII. Between two of them there is always a boundary. */
    private static boolean isSimple(char c) {
        return c >= ' ' && c < 0x7F;
    }

    /** How many bytes the text has in UTF-8, if it is {@link #clean}. */
    public static int utf8Length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** The longest start of the text that has at most {@code bytesMax} bytes in UTF-8, cut between code points. */
    public static String cutUtf8(String text, int bytesMax) {
        if (text.length() <= bytesMax / 3) {
            return text;
        }
        int bytes = 0;
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
            if (bytes > bytesMax) {
                return text.substring(0, i);
            }
            i += Character.charCount(codePoint);
        }
        return text;
    }
}
