package org.postbus.mail.imap.framing;

/**
 * The announcement of a literal at the end of a line. {@code literal = "{" number ["+"] "}"}, {@code literal8 = "~{"
 * ...}. Human text may end in the same way: status responses, continuations and tagged responses have no literals.
 */
final class LiteralAnnouncement {
    private LiteralAnnouncement() {}

    /** The size that the end of the response so far declares, at most {@link Integer#MAX_VALUE}; -1 if it declares none. */
    static int size(byte[] text, int length) {
        int i = length - 1;
        if (i < 4 || text[i] != '}' || !mayHaveLiterals(text, length)) {
            return -1;
        }
        i--;
        if (text[i] == '+') {
            i--;
        }
        int lastDigit = i;
        while (i > 0 && text[i] >= '0' && text[i] <= '9') {
            i--;
        }
        if (i == lastDigit || text[i] != '{') {
            return -1;
        }
        int before = text[i - 1] == '~' ? i - 2 : i - 1;
        // Any other octet before the brace makes it part of an atom, which some servers leave unquoted.
        if (before < 0 || " ([]>".indexOf(text[before]) < 0) {
            return -1;
        }
        long size = 0;
        for (int digit = i + 1; digit <= lastDigit && size < Integer.MAX_VALUE; digit++) {
            size = size * 10 + (text[digit] - '0');
        }
        return (int) Math.min(size, Integer.MAX_VALUE);
    }

    private static boolean mayHaveLiterals(byte[] text, int length) {
        if (text[0] != '*') {
            return false;
        }
        int word = 1;
        while (word < length && text[word] == ' ') {
            word++;
        }
        return word < length
                && text[word] != '['
                && !isWord(text, length, word, "OK")
                && !isWord(text, length, word, "NO")
                && !isWord(text, length, word, "BAD")
                && !isWord(text, length, word, "BYE")
                && !isWord(text, length, word, "PREAUTH");
    }

    private static boolean isWord(byte[] text, int length, int from, String word) {
        if (from + word.length() > length) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if ((text[from + i] & ~0x20) != word.charAt(i)) {
                return false;
            }
        }
        return from + word.length() == length || text[from + word.length()] == ' ';
    }
}
