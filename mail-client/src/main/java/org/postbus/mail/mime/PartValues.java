package org.postbus.mail.mime;

import java.util.Optional;
import org.postbus.mail.Text;
import org.postbus.mail.mime.header.HeaderText;

/** Values of a part as they are shown, whether they come from its header or from an IMAP structure. */
final class PartValues {
    private PartValues() {}

    static boolean isShownText(String type) {
        return type.equals("text/plain") || type.equals("text/html");
    }

    static Optional<String> contentId(String field) {
        String id = field.strip();
        if (id.startsWith("<") && id.endsWith(">")) {
            id = id.substring(1, id.length() - 1).strip();
        }
        return id.isEmpty() ? Optional.empty() : Optional.of(clean(HeaderText.raw(id), 998));
    }

    static String clean(String text, int lengthMax) {
        return Text.cut(Text.clean(text), lengthMax);
    }
}
