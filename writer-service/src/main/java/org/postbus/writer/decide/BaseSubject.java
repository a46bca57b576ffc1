package org.postbus.writer.decide;

import java.util.Locale;
import java.util.Set;

/**
 * The base subject of RFC 5256 section 2.1, as RFC 8621 section 3 uses it to group emails into threads: a subject without reply and forward
 * marks, list tags, letter case and white space. Besides RFC 5256's {@code re}, {@code fw} and {@code fwd} it knows the marks of mail programs
 * in other languages.
 */
final class BaseSubject {
    /** The rest of a longer subject is ignored. */
    static final int LENGTH_MAX = 1000;

    private static final int MARK_LENGTH_MAX = 7;
    private static final Set<String> MARKS = Set.of(
            "re", "fw", "fwd", "aw", "wg", "antw", "antwort", "sv", "vs", "vb", "vl", "rif", "tr", "res", "enc", "rv",
            "odp", "pd", "ynt", "ilt", "回复", "转发", "回覆", "轉寄");

    private BaseSubject() {}

    /** The empty string if nothing is left. */
    static String of(String subject) {
        String text = subject.length() > LENGTH_MAX ? subject.substring(0, LENGTH_MAX) : subject;
        int start = 0;
        int end = text.length();
        boolean again = true;
        while (again) {
            end = withoutTrailer(text, start, end);
            start = withoutLeader(text, start, end);
            // [fwd: subject]
            again = startsWith(text, start, end, "[fwd:") && text.charAt(end - 1) == ']';
            if (again) {
                start += "[fwd:".length();
                end--;
            }
        }
        StringBuilder base = new StringBuilder(end - start);
        for (int i = start; i < end; i++) {
            if (!isSpace(text.charAt(i))) {
                base.append(text.charAt(i));
            }
        }
        return base.toString().toLowerCase(Locale.ROOT);
    }

    /** {@code subj-trailer = "(fwd)" / WSP} */
    private static int withoutTrailer(String text, int start, int from) {
        int end = from;
        while (true) {
            if (end > start && isSpace(text.charAt(end - 1))) {
                end--;
            } else if (end - start >= 5 && startsWith(text, end - 5, end, "(fwd)")) {
                end -= 5;
            } else {
                return end;
            }
        }
    }

    /** {@code subj-leader = (*subj-blob subj-refwd) / WSP}, and a blob alone if it is followed by more text. */
    private static int withoutLeader(String text, int from, int end) {
        int start = from;
        while (true) {
            start = withoutSpace(text, start, end);
            int blobs = start;
            for (int next = afterBlob(text, blobs, end); next > blobs; next = afterBlob(text, blobs, end)) {
                blobs = next;
            }
            int behindMark = afterMark(text, blobs, end);
            if (behindMark > blobs) {
                start = behindMark;
                continue;
            }
            int behindBlob = afterBlob(text, start, end);
            if (behindBlob == start || behindBlob == end) {
                return start;
            }
            start = behindBlob;
        }
    }

    /** {@code subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"}; the result is {@code at} if there is none. */
    private static int afterMark(String text, int at, int end) {
        int letters = at;
        while (letters < end && letters - at <= MARK_LENGTH_MAX && Character.isLetter(text.charAt(letters))) {
            letters++;
        }
        if (!MARKS.contains(text.substring(at, letters).toLowerCase(Locale.ROOT))) {
            return at;
        }
        int colon = afterBlob(text, withoutSpace(text, letters, end), end);
        boolean is = colon < end && (text.charAt(colon) == ':' || text.charAt(colon) == '：');
        return is ? colon + 1 : at;
    }

    /** {@code subj-blob = "[" *BLOBCHAR "]" *WSP}; the result is {@code at} if there is none. */
    private static int afterBlob(String text, int at, int end) {
        if (at >= end || text.charAt(at) != '[' || startsWith(text, at, end, "[fwd:")) {
            return at;
        }
        int close = at + 1;
        while (close < end && text.charAt(close) != ']') {
            if (text.charAt(close) == '[') {
                return at;
            }
            close++;
        }
        return close == end ? at : withoutSpace(text, close + 1, end);
    }

    private static int withoutSpace(String text, int at, int end) {
        int start = at;
        while (start < end && isSpace(text.charAt(start))) {
            start++;
        }
        return start;
    }

    private static boolean startsWith(String text, int at, int end, String beginning) {
        return end - at >= beginning.length() && text.regionMatches(true, at, beginning, 0, beginning.length());
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c);
    }
}
