package org.postbus.mail.imap.grammar.response;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;

/** Reads responses about mailboxes: LIST and LSUB (RFC 9051, RFC 5258), STATUS (RFC 8474) and NAMESPACE (RFC 2342). */
final class MailboxParser {
    /** {@code objectid = 1*255(ALPHA / DIGIT / "_" / "-")} (RFC 8474 section 7) */
    private static final Pattern OBJECT_ID = Pattern.compile("[A-Za-z0-9_-]{1,255}");

    /** A mailbox with a longer name is passed over: no server makes one, and every name is kept. */
    private static final int NAME_LENGTH_MAX = 4096;

    private static final int ATTRIBUTES_MAX = 50;
    private static final int ATTRIBUTE_LENGTH_MAX = 100;
    private static final int NAMESPACES_MAX = 1000;
    /** What is kept of a STATUS besides the MAILBOXID. */
    private static final Set<String> NUMBERS = Set.of("MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ");

    private MailboxParser() {}

    /** {@code mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]} */
    static ImapResponse listed(ImapReader in, boolean lsub) {
        Set<String> attributes = new LinkedHashSet<>();
        for (byte[] attribute : in.strings()) {
            if (attribute.length <= ATTRIBUTE_LENGTH_MAX && attributes.size() < ATTRIBUTES_MAX) {
                attributes.add(ImapReader.latin1(attribute).toLowerCase(Locale.ROOT));
            }
        }
        in.skipSpaces();
        byte[] delimiter = in.nstring();
        in.skipSpaces();
        MailboxName name = mailbox(in);
        return new ImapResponse.Listed(
                name,
                delimiter == null || delimiter.length == 0
                        ? Optional.empty()
                        : Optional.of((char) (delimiter[0] & 0xFF)),
                attributes,
                lsub,
                lsub ? Optional.empty() : oldName(in));
    }

    /** {@code mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"}; all but OLDNAME is passed over. */
    private static Optional<MailboxName> oldName(ImapReader in) {
        in.skipSpaces();
        Optional<MailboxName> oldName = Optional.empty();
        try {
            if (in.take('(')) {
                in.skipSpaces();
                while (!in.take(')')) {
                    String tag = in.latin1String();
                    in.skipSpaces();
                    if (tag.equalsIgnoreCase("OLDNAME")) {
                        in.expect('(');
                        oldName = Optional.of(named(in.latin1String()));
                        in.skipSpaces();
                        in.expect(')');
                    } else {
                        AnyValue.skip(in);
                    }
                    in.skipSpaces();
                }
            }
        } catch (ImapSyntaxException | IllegalArgumentException e) {
            // The mailbox exists in any case; the old name is then found missing by comparison.
            return oldName;
        }
        return oldName;
    }

    /** A name in quotes or a literal; one without may hold spaces, and ends before {@code " ("} or at the end of the line. */
    private static MailboxName mailbox(ImapReader in) {
        String raw;
        if (in.peek() == '"' || in.atLiteral()) {
            raw = in.latin1String();
        } else {
            raw = in.untilSpaceAndParenthesis();
        }
        return named(raw);
    }

    private static MailboxName named(String raw) {
        if (raw.length() > NAME_LENGTH_MAX) {
            throw new ImapSyntaxException("a name of more than " + NAME_LENGTH_MAX + " octets");
        }
        try {
            return new MailboxName(raw);
        } catch (IllegalArgumentException e) {
            throw new ImapSyntaxException("not a mailbox name");
        }
    }

    static ImapResponse status(ImapReader in) {
        MailboxName name = mailbox(in);
        in.skipSpaces();
        in.expect('(');
        Map<String, Long> numbers = new HashMap<>();
        Optional<String> mailboxId = Optional.empty();
        while (true) {
            in.skipSpaces();
            if (in.atEnd() || in.take(')')) {
                break;
            }
            String item = in.keyword();
            in.skipSpaces();
            ImapReader.Mark value = in.mark();
            try {
                if (item.equals("MAILBOXID")) {
                    // It identifies the mailbox, so an invalid one is treated as missing.
                    mailboxId = in.objectId().filter(id -> OBJECT_ID.matcher(id).matches());
                } else {
                    long number = in.number();
                    if (NUMBERS.contains(item)) {
                        numbers.put(item, number);
                    }
                }
            } catch (ImapSyntaxException e) {
                in.reset(value);
                AnyValue.skip(in);
            }
        }
        return new ImapResponse.MailboxStatusReported(
                name,
                new MailboxStatus(
                        atLeast(0, numbers.get("MESSAGES")),
                        atLeast(0, numbers.get("UNSEEN")),
                        atLeast(1, numbers.get("UIDNEXT")),
                        atLeast(1, numbers.get("UIDVALIDITY")),
                        atLeast(1, numbers.get("HIGHESTMODSEQ")),
                        mailboxId));
    }

    private static OptionalLong atLeast(long least, Long value) {
        return value == null || value < least ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /** {@code namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace} */
    static ImapResponse namespaces(ImapReader in) {
        List<Namespaces.Namespace> personal = namespaceList(in);
        List<Namespaces.Namespace> others = namespaceList(in);
        List<Namespaces.Namespace> shared = namespaceList(in);
        return new ImapResponse.Namespace(new Namespaces(personal, others, shared));
    }

    private static List<Namespaces.Namespace> namespaceList(ImapReader in) {
        List<Namespaces.Namespace> list = new ArrayList<>();
        in.skipSpaces();
        if (in.atEnd() || in.takeNil()) {
            return list;
        }
        in.expect('(');
        while (true) {
            in.skipSpaces();
            if (in.take(')')) {
                return list;
            }
            if (list.size() == NAMESPACES_MAX) {
                throw new ImapSyntaxException("more than " + NAMESPACES_MAX + " namespaces");
            }
            in.expect('(');
            in.skipSpaces();
            String prefix = in.latin1String();
            in.skipSpaces();
            byte[] delimiter = in.nstring();
            list.add(new Namespaces.Namespace(
                    prefix,
                    delimiter == null || delimiter.length == 0
                            ? Optional.empty()
                            : Optional.of((char) (delimiter[0] & 0xFF))));
            in.skipSpaces();
            while (!in.take(')')) { // extensions
                AnyValue.skip(in);
                in.skipSpaces();
            }
        }
    }
}
