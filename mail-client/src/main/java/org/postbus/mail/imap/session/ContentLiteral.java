package org.postbus.mail.imap.session;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.postbus.mail.imap.grammar.Section;

/** Recognises the literal with the content of a section by its announcement, before its octets have come. */
final class ContentLiteral {
    private ContentLiteral() {}

    /** @param text a response so far, up to the announcement of the literal, {@code {5}} or <code>~{5}</code> */
    static boolean isOf(Section section, byte[] text, int length) {
        int end = length - 1;
        while (end > 0 && text[end] != '{') {
            end--;
        }
        if (end > 0 && text[end - 1] == '~') {
            end--;
        }
        while (end > 0 && text[end - 1] == ' ') {
            end--;
        }
        int from = end;
        while (from > 0 && text[from - 1] != ' ' && text[from - 1] != '(') {
            from--;
        }
        String item = new String(text, from, end - from, StandardCharsets.ISO_8859_1).toUpperCase(Locale.ROOT);
        return item.substring(0, item.lastIndexOf(']') + 1)
                .replace(".PEEK[", "[")
                .equals(section.itemName());
    }
}
