package org.postbus.mail.imap.session;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.postbus.mail.imap.framing.LiteralRules;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.command.ImapCommand;

/**
 * The literals that the answer to a command may have: each at most as long as what the command asks for. The item whose value a
 * literal is stands before its announcement.
 */
final class AskedLiterals {
    /** Of the header of one message. */
    static final int HEADER_OCTETS_MAX = 1 << 20;
    /** Of one string in a BODYSTRUCTURE. */
    private static final int STRUCTURE_STRING_OCTETS_MAX = 64 * 1024;

    private static final int STRUCTURE_OCTETS_MAX = 512 * 1024;
    /** Of one label. */
    private static final int LABEL_OCTETS_MAX = 4 * 1024;

    private static final int LABELS_OCTETS_MAX = 128 * 1024;
    /** Of an id, a date or a flag. */
    private static final int SHORT_OCTETS_MAX = 1024;

    private static final int SHORT_ITEMS_OCTETS_MAX = 16 * SHORT_OCTETS_MAX;

    private AskedLiterals() {}

    /** For the answer to any other command than a FETCH, and for what was not asked for. */
    static LiteralRules none(SessionLimits limits) {
        return LiteralRules.keepingAtMost(limits.literalOctetsMax());
    }

    static LiteralRules of(ImapCommand command, SessionLimits limits) {
        return switch (command) {
            case ImapCommand.UidFetch(var uids, var items) -> OfMessages.of(items, limits);
            case ImapCommand.UidFetchSection(var uid, var section) -> new OfSection(section, limits);
            default -> none(limits);
        };
    }

    /** One literal is the content that is asked for, and passed on. */
    private record OfSection(Section section, SessionLimits limits) implements LiteralRules {
        @Override
        public Rule of(byte[] text, int length) {
            return itemBefore(text, length).equals(section.itemName())
                    ? new Rule(true, section.octetsMax().orElse(limits.streamedLiteralOctetsMax()))
                    : new Rule(false, limits.literalOctetsMax());
        }

        @Override
        public long responseOctetsMax() {
            return limits.literalOctetsMax();
        }
    }

    /** @param otherOctetsMax of one string of any other item that is asked for */
    private record OfMessages(int bodyOctetsMax, int headerOctetsMax, int otherOctetsMax, long responseOctetsMax)
            implements LiteralRules {
        static OfMessages of(FetchItems items, SessionLimits limits) {
            int body = SHORT_OCTETS_MAX;
            int header = SHORT_OCTETS_MAX;
            int other = SHORT_OCTETS_MAX;
            long all = SHORT_ITEMS_OCTETS_MAX;
            for (FetchItem item : items.items()) {
                switch (item) {
                    case FetchItem.Body(var octets) -> {
                        body = Math.min(octets, limits.fetchedLiteralOctetsMax());
                        all += body;
                    }
                    case FetchItem.BodyStart(var octets) -> {
                        body = octets;
                        all += body;
                    }
                    case FetchItem.Header h -> {
                        header = HEADER_OCTETS_MAX;
                        all += header;
                    }
                    case FetchItem.BodyStructure s -> {
                        other = Math.max(other, STRUCTURE_STRING_OCTETS_MAX);
                        all += STRUCTURE_OCTETS_MAX;
                    }
                    case FetchItem.Gmail g -> {
                        other = Math.max(other, LABEL_OCTETS_MAX);
                        all += LABELS_OCTETS_MAX;
                    }
                    case FetchItem.Flags i -> {}
                    case FetchItem.InternalDate i -> {}
                    case FetchItem.Size i -> {}
                    case FetchItem.ModSeq i -> {}
                    case FetchItem.EmailId i -> {}
                    case FetchItem.ThreadId i -> {}
                    case FetchItem.GmailMessageId i -> {}
                }
            }
            return new OfMessages(body, header, other, all);
        }

        @Override
        public Rule of(byte[] text, int length) {
            return new Rule(
                    false,
                    switch (itemBefore(text, length)) {
                        case "BODY[]", "RFC822" -> bodyOctetsMax;
                        case "BODY[HEADER]", "RFC822.HEADER" -> headerOctetsMax;
                        default -> otherOctetsMax;
                    });
        }
    }

    /** The name of the item before the announcement, in upper case, without {@code .PEEK} and origin. */
    private static String itemBefore(byte[] text, int length) {
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
        String item = new String(text, from, end - from, StandardCharsets.ISO_8859_1)
                .toUpperCase(Locale.ROOT)
                .replace(".PEEK[", "[");
        return item.contains("]") ? item.substring(0, item.lastIndexOf(']') + 1) : item;
    }
}
