package org.postbus.compare;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The mail of an account, in a form in which server and database can be compared.
 *
 * @param mailboxes by the server's key: the raw name for IMAP, the id for JMAP
 * @param emails number of emails; an email in several mailboxes counts once
 */
public record MailState(SortedMap<String, MailboxState> mailboxes, long emails) {

    /** Further differences are only counted. */
    private static final int DIFFERENCES_MAX = 40;

    public MailState {
        mailboxes = Collections.unmodifiableSortedMap(new TreeMap<>(mailboxes));
    }

    /**
     * @param total as the server reports it, not counted from {@code emails}
     * @param emails by location: {@code uidvalidity/uid} for IMAP, the email's id for JMAP
     */
    public record MailboxState(long total, long unread, SortedMap<String, LocatedEmail> emails) {
        public MailboxState {
            emails = Collections.unmodifiableSortedMap(new TreeMap<>(emails));
        }
    }

    /**
     * An email at one of its locations.
     *
     * @param messageId without angle brackets; empty if it has none
     * @param keywords in JMAP's form, such as {@code $seen}; copies of an IMAP message have keywords of their own
     * @param elsewhere number of the email's other locations
     */
    public record LocatedEmail(
            String messageId, SortedSet<String> keywords, long size, Instant receivedAt, int elsewhere) {
        public LocatedEmail {
            keywords = Collections.unmodifiableSortedSet(new TreeSet<>(keywords));
        }
    }

    /** The keywords of IMAP flags (RFC 8621 section 4.1.1); {@code \Deleted} and {@code \Recent} have none. */
    public static SortedSet<String> keywordsOf(Set<String> flags) {
        SortedSet<String> keywords = new TreeSet<>();
        for (String flag : flags) {
            String lower = flag.toLowerCase(java.util.Locale.ROOT);
            if (!lower.startsWith("\\")) {
                keywords.add(lower);
            } else if (Set.of("\\seen", "\\answered", "\\flagged", "\\draft").contains(lower)) {
                keywords.add("$" + lower.substring(1));
            }
        }
        return keywords;
    }

    /** The differences between server and database; empty if they are equal. */
    public static List<String> differences(MailState server, MailState database) {
        List<String> found = new ArrayList<>();
        if (server.emails != database.emails) {
            found.add("emails: " + server.emails + " on the server, " + database.emails + " in the database");
        }
        for (String name : union(server.mailboxes, database.mailboxes)) {
            MailboxState there = server.mailboxes.get(name);
            MailboxState here = database.mailboxes.get(name);
            if (there == null) {
                found.add("mailbox " + name + ": in the database only");
            } else if (here == null) {
                found.add("mailbox " + name + ": on the server only");
            } else {
                compare(name, there, here, found);
            }
        }
        return shortened(found);
    }

    private static void compare(String name, MailboxState there, MailboxState here, List<String> found) {
        if (there.total != here.total || there.unread != here.unread) {
            found.add("mailbox " + name + ": " + there.unread + " of " + there.total + " unread on the server, "
                    + here.unread + " of " + here.total + " in the database");
        }
        for (String location : union(there.emails, here.emails)) {
            LocatedEmail onServer = there.emails.get(location);
            LocatedEmail inDatabase = here.emails.get(location);
            String where = name + " " + location;
            if (onServer == null) {
                found.add(where + ": in the database only: " + inDatabase);
            } else if (inDatabase == null) {
                found.add(where + ": on the server only: " + onServer);
            } else if (!onServer.equals(inDatabase)) {
                found.add(where + ": server " + onServer + ", database " + inDatabase);
            }
        }
    }

    static List<String> shortened(List<String> found) {
        if (found.size() <= DIFFERENCES_MAX) {
            return List.copyOf(found);
        }
        List<String> first = new ArrayList<>(found.subList(0, DIFFERENCES_MAX));
        first.add("… and " + (found.size() - DIFFERENCES_MAX) + " more");
        return List.copyOf(first);
    }

    static <K extends Comparable<K>> SortedSet<K> union(Map<K, ?> one, Map<K, ?> other) {
        SortedSet<K> keys = new TreeSet<>(one.keySet());
        keys.addAll(other.keySet());
        return keys;
    }
}
