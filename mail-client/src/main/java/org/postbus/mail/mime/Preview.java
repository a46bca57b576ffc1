package org.postbus.mail.mime;

import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeFilter;
import org.jsoup.select.NodeTraversor;
import org.postbus.mail.Text;
import org.postbus.model.Email;

/** The first words of an email, for a list: what its sender wrote, without quotes and signature. */
final class Preview {
    /** A large part of it may be quoted or invisible. */
    private static final int TEXT_LENGTH_MAX = 8 * 1024;

    private static final int HTML_LENGTH_MAX = 128 * 1024;
    private static final Set<String> NOT_TEXT =
            Set.of("head", "title", "style", "script", "noscript", "template", "object", "svg", "blockquote");

    private Preview() {}

    /** Empty if there is nothing but quotes, signature and blanks. */
    static String ofText(String text) {
        String start = text.length() > TEXT_LENGTH_MAX ? text.substring(0, TEXT_LENGTH_MAX) : text;
        String written = collapse(withoutQuotes(start));
        return cut(written.isEmpty() ? collapse(start) : written);
    }

    static String ofHtml(String html) {
        String start = html.length() > HTML_LENGTH_MAX ? html.substring(0, HTML_LENGTH_MAX) : html;
        // Character references produce characters that were not in the bytes: &#xD800;
        return cut(collapse(Text.clean(visibleText(start))));
    }

    private static String withoutQuotes(String text) {
        var written = new StringBuilder(Math.min(text.length(), 1024));
        String held = null;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            if (line.equals("-- ") || line.equals("--")) {
                break;
            }
            if (line.startsWith(">")) {
                // The line that introduces the quote is removed with it.
                held = held != null && isAttribution(held) ? null : held;
                continue;
            }
            if (held != null) {
                written.append(held).append('\n');
            }
            if (written.length() > 2 * Email.PREVIEW_LENGTH_MAX + 256) {
                return written.toString();
            }
            // A blank line may separate the introduction from the quote.
            held = line.isBlank() && held != null && isAttribution(held) ? held : line;
        }
        return held == null ? written.toString() : written.append(held).toString();
    }

    private static boolean isAttribution(String line) {
        return line.stripTrailing().endsWith(":");
    }

    private static String visibleText(String html) {
        var text = new StringBuilder();
        NodeFilter collect = (node, depth) -> {
            if (text.length() > TEXT_LENGTH_MAX) {
                return NodeFilter.FilterResult.STOP;
            }
            if (node instanceof TextNode leaf) {
                text.append(leaf.getWholeText());
            } else if (node instanceof Element element) {
                if (isHidden(element)) {
                    return NodeFilter.FilterResult.SKIP_ENTIRELY;
                }
                if (element.isBlock()
                        || element.normalName().equals("br")
                        || element.normalName().equals("td")) {
                    text.append(' ');
                }
            }
            return NodeFilter.FilterResult.CONTINUE;
        };
        Node root = Jsoup.parse(html).body();
        NodeTraversor.filter(collect, root);
        return text.toString();
    }

    private static boolean isHidden(Element element) {
        if (NOT_TEXT.contains(element.normalName()) || element.hasAttr("hidden")) {
            return true;
        }
        Optional<String> style = Optional.of(element.attr("style")).filter(text -> !text.isEmpty());
        return style.map(text -> text.toLowerCase(Locale.ROOT).replace(" ", ""))
                .filter(text -> text.contains("display:none") || text.contains("visibility:hidden"))
                .isPresent();
    }

    /**
     * All kinds of white space become one space; invisible characters, which newsletters use as padding, are removed.
     */
    private static String collapse(String text) {
        var collapsed = new StringBuilder(Math.min(text.length(), 1024));
        boolean blank = false;
        boolean plain = true;
        for (int i = 0; i < text.length() && collapsed.length() < Email.PREVIEW_LENGTH_MAX + 64; i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c == 0x7F || c == 0xA0 || c >= 0x2000 && (Character.isSpaceChar(c) || c == 0x2028)) {
                blank = true;
            } else if (!isInvisible(c)) {
                if (blank && !collapsed.isEmpty()) {
                    collapsed.append(' ');
                }
                blank = false;
                plain &= c < 0x300;
                collapsed.append(c);
            }
        }
        return plain ? collapsed.toString() : Normalizer.normalize(collapsed, Normalizer.Form.NFC);
    }

    private static boolean isInvisible(char c) {
        return c >= 0x80 && c < 0xA0
                || c == 0xAD
                || c == 0x34F
                || c == 0x061C
                || c == 0x180E
                || c == 0x200B
                || c == 0x200C
                || c == 0x200E
                || c == 0x200F
                || c >= 0x202A && c <= 0x202E
                || c >= 0x2060 && c <= 0x2064
                || c == 0xFEFF;
    }

    private static String cut(String text) {
        return Text.cut(text, Email.PREVIEW_LENGTH_MAX).stripTrailing();
    }
}
