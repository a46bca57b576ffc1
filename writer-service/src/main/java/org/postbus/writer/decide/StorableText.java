package org.postbus.writer.decide;

/** Text as PostgreSQL's {@code text} and {@code jsonb} can hold it: without U+0000 and without surrogates that are not in a pair. */
public final class StorableText {
    private StorableText() {}

    /** The text without the characters that can not be stored. */
    public static String of(String text) {
        int first = 0;
        while (first < text.length() && isStorable(text, first)) {
            first++;
        }
        if (first == text.length()) {
            return text;
        }
        StringBuilder kept = new StringBuilder(text.length()).append(text, 0, first);
        for (int i = first; i < text.length(); i++) {
            if (isStorable(text, i)) {
                kept.append(text.charAt(i));
            }
        }
        return kept.toString();
    }

    /** At most {@code max} characters of the text; a surrogate pair at the end is left out rather than cut. */
    public static String of(String text, int max) {
        return of(text.length() <= max ? text : text.substring(0, max));
    }

    private static boolean isStorable(String text, int i) {
        char c = text.charAt(i);
        if (Character.isHighSurrogate(c)) {
            return i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1));
        }
        if (Character.isLowSurrogate(c)) {
            return i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
        }
        return c != 0;
    }
}
