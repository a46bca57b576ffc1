package org.postbus.mail.mime.header;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads Message-ID, In-Reply-To and References (RFC 5322 section 3.6.4): the texts in angle brackets, else bare words.
 */
public final class MessageIds {
    private static final int IDS_MAX = 10_000;

    private MessageIds() {}

    /** @param field unfolded, a char per byte */
    public static List<String> parse(String field) {
        List<String> ids = new ArrayList<>();
        int open = field.indexOf('<');
        if (open < 0) {
            for (String word : field.strip().split("\\s+")) {
                // An old In-Reply-To may be a sentence; an id has no blanks and usually an @.
                if (word.indexOf('@') > 0 && ids.size() < IDS_MAX) {
                    ids.add(HeaderText.raw(word));
                }
            }
            return ids;
        }
        while (open >= 0 && ids.size() < IDS_MAX) {
            int close = field.indexOf('>', open);
            int end = close < 0 ? field.length() : close;
            String id = field.substring(open + 1, end);
            ids.add(HeaderText.raw(id.indexOf(' ') < 0 ? id : id.replace(" ", ""))
                    .strip());
            open = field.indexOf('<', end);
        }
        ids.removeIf(String::isEmpty);
        return ids;
    }
}
