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
 * What an account holds, in a shape in which a server and the database can be laid side by side.
 *
 * @param mailboxes by what the server calls them: the raw name for IMAP, the id for JMAP
 * @param emails how many emails there are, each counted once however often it lies somewhere
 */
public record MailState(SortedMap<String, MailboxState> mailboxes, long emails) {

    /** More differences say nothing more. */
    private static final int DIFFERENCES_MAX = 40;

    public MailState {
        mailboxes = Collections.unmodifiableSortedMap(new TreeMap<>(mailboxes));
    }

    /**
     * @param total as the server counts, not as we count its emails
     * @param emails by where they lie: {@code uidvalidity/uid} for IMAP, the email's id for JMAP
     */
    public record MailboxState(long total, long unread, SortedMap<String, Placed> emails) {
        public MailboxState {
            emails = Collections.unmodifiableSortedMap(new TreeMap<>(emails));
        }
    }

    /**
     * An email at one of its places.
     *
     * @param messageId without angle brackets; "" if it has none
     * @param keywords as JMAP has them: {@code $seen}; copies of an IMAP message have their own
     * @param elsewhere how many other places the email has
     */
    public record Placed(String messageId, SortedSet<String> keywords, long size, Instant receivedAt, int elsewhere) {
        public Placed {
            keywords = Collections.unmodifiableSortedSet(new TreeSet<>(keywords));
        }
    }

    /** RFC 8621 section 4.1.1: which keyword a flag is; {@code \Deleted} and {@code \Recent} are none. */
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

    /** In what the database is not what the server says; empty if they are equal. */
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
        for (String place : union(there.emails, here.emails)) {
            Placed said = there.emails.get(place);
            Placed kept = here.emails.get(place);
            String where = name + " " + place;
            if (said == null) {
                found.add(where + ": in the database only: " + kept);
            } else if (kept == null) {
                found.add(where + ": on the server only: " + said);
            } else if (!said.equals(kept)) {
                found.add(where + ": server " + said + ", database " + kept);
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
