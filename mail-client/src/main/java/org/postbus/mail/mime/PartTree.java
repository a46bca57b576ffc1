package org.postbus.mail.mime;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.mail.mime.encoding.TransferEncoding;
import org.postbus.model.EmailBodyPart;

/**
 * The parts of a message, and the algorithm of RFC 8621 section 4.1.4 that assigns them to text, HTML and attachments.
 */
sealed interface PartTree {

    /** @param subtype {@code alternative}, {@code mixed}, {@code related} … */
    record Multipart(String subtype, List<PartTree> parts) implements PartTree {}

    /**
     * @param encoded the content, as it is in the message or already decoded; kept only for text that may be shown
     * @param encoding how to decode {@code encoded}
     */
    record Leaf(EmailBodyPart part, Optional<byte[]> encoded, TransferEncoding encoding) implements PartTree {

        boolean isMedia() {
            return part.type().startsWith("image/")
                    || part.type().startsWith("audio/")
                    || part.type().startsWith("video/");
        }

        boolean isShown(int index, String multipart) {
            return !part.disposition().equals(Optional.of("attachment"))
                    && (part.type().equals("text/plain") || part.type().equals("text/html") || isMedia())
                    && (index == 0
                            || !multipart.equals("related")
                                    && (isMedia() || part.name().isEmpty()));
        }
    }

    /** The three lists of RFC 8621 section 4.1.4. */
    final class Lists {
        final List<Leaf> text = new ArrayList<>();
        final List<Leaf> html = new ArrayList<>();
        final List<Leaf> attachments = new ArrayList<>();

        static Lists of(PartTree root) {
            var lists = new Lists();
            lists.sort(List.of(root), "mixed", false, true, true);
            return lists;
        }

        /**
         * The RFC's {@code parseStructure}. {@code toText} and {@code toHtml} are its textBody and htmlBody not being null: inside
         * an alternative, what follows a text part is no more HTML, and the other way round.
         */
        private void sort(
                List<PartTree> parts, String multipart, boolean inAlternative, boolean toText, boolean toHtml) {
            int textBefore = text.size();
            int htmlBefore = html.size();
            boolean bothBefore = toText && toHtml;
            for (int i = 0; i < parts.size(); i++) {
                switch (parts.get(i)) {
                    case Multipart(var subtype, var children) ->
                        sort(children, subtype, inAlternative || subtype.equals("alternative"), toText, toHtml);
                    case Leaf leaf -> {
                        String type = leaf.part().type();
                        if (!leaf.isShown(i, multipart)) {
                            attachments.add(leaf);
                        } else if (multipart.equals("alternative")) {
                            if (type.equals("text/plain") && toText) {
                                text.add(leaf);
                            } else if (type.equals("text/html") && toHtml) {
                                html.add(leaf);
                            } else {
                                attachments.add(leaf);
                            }
                        } else {
                            toHtml &= !(inAlternative && type.equals("text/plain"));
                            toText &= !(inAlternative && type.equals("text/html"));
                            if (toText) {
                                text.add(leaf);
                            }
                            if (toHtml) {
                                html.add(leaf);
                            }
                            if ((!toText || !toHtml) && leaf.isMedia()) {
                                attachments.add(leaf);
                            }
                        }
                    }
                }
            }
            if (multipart.equals("alternative") && bothBefore && toText && toHtml) {
                if (text.size() == textBefore && html.size() > htmlBefore) {
                    text.addAll(html.subList(htmlBefore, html.size()));
                } else if (html.size() == htmlBefore && text.size() > textBefore) {
                    html.addAll(text.subList(textBefore, text.size()));
                }
            }
        }
    }
}
