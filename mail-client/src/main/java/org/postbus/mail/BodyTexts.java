package org.postbus.mail;

import java.util.LinkedHashMap;
import java.util.Map;
import org.postbus.model.EmailBodyValue;

/**
 * Collects the body values of one email within a common limit: values are kept in order until the limit is reached;
 * the rest is cut and marked as truncated. Not thread-safe.
 */
public final class BodyTexts {
    private final Map<String, EmailBodyValue> values = new LinkedHashMap<>();
    private int bytesLeft;

    /** @param bytesMax of all values together, in UTF-8 */
    public BodyTexts(int bytesMax) {
        this.bytesLeft = bytesMax;
    }

    /** Does nothing if the part has a value already: a part may be in both {@code textBody} and {@code htmlBody}. */
    public void add(String partId, String text, boolean isEncodingProblem, boolean isTruncated) {
        if (values.containsKey(partId)) {
            return;
        }
        String clean = Text.clean(lineFeeds(text));
        String cut = Text.cutUtf8(clean, bytesLeft);
        bytesLeft -= Text.utf8Length(cut);
        values.put(partId, new EmailBodyValue(cut, isEncodingProblem, isTruncated || cut.length() < clean.length()));
    }

    /** How much more will be kept, in bytes of UTF-8. */
    public int bytesLeft() {
        return bytesLeft;
    }

    public Map<String, EmailBodyValue> values() {
        return values;
    }

    private static String lineFeeds(String text) {
        return text.indexOf('\r') < 0 ? text : text.replace("\r\n", "\n");
    }
}
