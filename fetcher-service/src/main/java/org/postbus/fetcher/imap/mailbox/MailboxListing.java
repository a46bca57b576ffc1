package org.postbus.fetcher.imap.mailbox;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.fetcher.store.MailboxSnapshot;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

/**
 * The result of a LIST compared with the known mailboxes of the account. Pure.
 *
 * @param listed all mailboxes, parents first
 * @param changed those of them that are new or differ from what is known, parents first; {@code renamedFrom} is set where a known mailbox has another key
 *     now
 * @param renamed new key to old key
 * @param vanished known, but no longer listed
 */
public record MailboxListing(
        List<Entry> listed,
        List<ObservedMailbox> changed,
        Map<MailboxKey, MailboxKey> renamed,
        List<MailboxKey> vanished) {

    private static final String INBOX = "INBOX";

    /** One listed mailbox. */
    public record Entry(ObservedMailbox mailbox, ListedMailbox listed) {
        public Entry {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(listed);
        }
    }

    /** @param answer of a LIST that succeeded; if it is empty or lacks the inbox, it is considered a mistake of the server and nothing has vanished */
    public static MailboxListing of(Collection<MailboxSnapshot> known, List<ListedMailbox> answer) {
        Map<MailboxKey, MailboxSnapshot> byKey = new LinkedHashMap<>();
        Map<String, MailboxSnapshot> byRawName = new HashMap<>();
        for (MailboxSnapshot mailbox : known) {
            byKey.put(mailbox.observed().key(), mailbox);
            mailbox.observed().rawName().ifPresent(name -> byRawName.put(name, mailbox));
        }
        List<ListedMailbox> parentsFirst = new ArrayList<>(answer);
        // A parent's name is a prefix of its child's.
        parentsFirst.sort(Comparator.comparingInt(
                        (ListedMailbox mailbox) -> mailbox.name().raw().length())
                .thenComparing(ListedMailbox::name));
        Map<String, MailboxKey> keys = new HashMap<>();
        for (ListedMailbox mailbox : parentsFirst) {
            keys.put(mailbox.name().raw(), key(mailbox, byRawName));
        }

        List<Entry> entries = new ArrayList<>();
        for (ListedMailbox mailbox : parentsFirst) {
            MailboxKey key = keys.get(mailbox.name().raw());
            entries.add(new Entry(observed(mailbox, key, keys, Optional.ofNullable(byKey.get(key))), mailbox));
        }
        Set<MailboxKey> listedKeys = Set.copyOf(keys.values());
        List<MailboxKey> missing = isMistaken(byRawName, answer)
                ? List.of()
                : byKey.keySet().stream()
                        .filter(key -> !listedKeys.contains(key))
                        .toList();
        Map<MailboxKey, MailboxKey> renamed = renames(byKey, byRawName, missing, entries);

        List<ObservedMailbox> changed = new ArrayList<>();
        for (Entry entry : entries) {
            ObservedMailbox mailbox = entry.mailbox();
            MailboxSnapshot before = byKey.get(mailbox.key());
            if (before == null) {
                changed.add(withRenamedFrom(mailbox, Optional.ofNullable(renamed.get(mailbox.key()))));
            } else if (!before.observed().equals(mailbox)) {
                changed.add(mailbox);
            }
        }
        List<MailboxKey> vanished =
                missing.stream().filter(key -> !renamed.containsValue(key)).toList();
        return new MailboxListing(List.copyOf(entries), List.copyOf(changed), Map.copyOf(renamed), vanished);
    }

    /** Every account has an INBOX (RFC 9051 section 5.1): an answer that no longer contains it is incomplete. */
    private static boolean isMistaken(Map<String, MailboxSnapshot> byRawName, List<ListedMailbox> answer) {
        return answer.isEmpty()
                || byRawName.keySet().stream().anyMatch(INBOX::equalsIgnoreCase)
                        && answer.stream()
                                .noneMatch(mailbox -> mailbox.name().raw().equalsIgnoreCase(INBOX));
    }

    /**
     * MAILBOXID where the server gives one, else the name. A mailbox whose STATUS is refused once keeps its key: otherwise it would look like another
     * mailbox.
     */
    private static MailboxKey key(ListedMailbox mailbox, Map<String, MailboxSnapshot> byRawName) {
        return mailbox.status()
                .flatMap(MailboxStatus::mailboxId)
                .map(MailboxKey::ofId)
                .or(() -> mailbox.status().isEmpty()
                        ? Optional.ofNullable(byRawName.get(mailbox.name().raw()))
                                .map(known -> known.observed().key())
                        : Optional.empty())
                .orElseGet(() -> MailboxKey.ofRawName(mailbox.name().raw()));
    }

    private static ObservedMailbox observed(
            ListedMailbox mailbox, MailboxKey key, Map<String, MailboxKey> keys, Optional<MailboxSnapshot> known) {
        String raw = mailbox.name().raw();
        Optional<String> parent = nearestListedParent(mailbox, keys);
        String ownName = parent.map(name -> raw.substring(name.length() + 1)).orElse(raw);
        ownName = withoutTrailing(ownName, mailbox.delimiter());
        return new ObservedMailbox(
                key,
                Optional.empty(),
                Optional.of(raw),
                org.postbus.mail.Text.clean(new MailboxName(ownName).displayName()),
                parent.map(keys::get),
                mailbox.role(),
                0,
                mailbox.subscribed(),
                mailbox.selectable(),
                count(
                        mailbox.status().map(MailboxStatus::messages),
                        known.map(k -> k.observed().totalEmails())),
                count(
                        mailbox.status().map(MailboxStatus::unseen),
                        known.map(k -> k.observed().unreadEmails())));
    }

    private static Optional<String> nearestListedParent(ListedMailbox mailbox, Map<String, MailboxKey> keys) {
        if (mailbox.delimiter().isEmpty()) {
            return Optional.empty();
        }
        char delimiter = mailbox.delimiter().get();
        String raw = mailbox.name().raw();
        for (int at = raw.lastIndexOf(delimiter, raw.length() - 2); at > 0; at = raw.lastIndexOf(delimiter, at - 1)) {
            String parent = raw.substring(0, at);
            if (keys.containsKey(parent)) {
                return Optional.of(parent);
            }
            if (parent.equalsIgnoreCase(INBOX) && keys.containsKey(INBOX)) {
                return Optional.of(INBOX);
            }
        }
        return Optional.empty();
    }

    private static String withoutTrailing(String name, Optional<Character> delimiter) {
        boolean trails =
                delimiter.isPresent() && name.length() > 1 && name.charAt(name.length() - 1) == delimiter.get();
        return trails ? name.substring(0, name.length() - 1) : name;
    }

    private static long count(Optional<OptionalLong> now, Optional<Long> before) {
        return now.filter(OptionalLong::isPresent)
                .map(OptionalLong::getAsLong)
                .or(() -> before)
                .orElse(0L);
    }

    /**
     * Which new mailboxes are known ones with another key: the same raw name, for a server that has begun to give MAILBOXIDs; else the same UIDVALIDITY
     * and UIDNEXT, if exactly one vanished and one new mailbox have them.
     */
    private static Map<MailboxKey, MailboxKey> renames(
            Map<MailboxKey, MailboxSnapshot> known,
            Map<String, MailboxSnapshot> byRawName,
            List<MailboxKey> missing,
            List<Entry> entries) {
        record Numbers(long uidValidity, long uidNext) {}
        Map<MailboxKey, MailboxKey> renamed = new HashMap<>();
        Map<Numbers, List<MailboxKey>> vanished = new HashMap<>();
        Map<Numbers, List<MailboxKey>> appeared = new HashMap<>();
        for (Entry entry : entries) {
            MailboxKey key = entry.mailbox().key();
            if (known.containsKey(key)) {
                continue;
            }
            MailboxSnapshot sameName = byRawName.get(entry.listed().name().raw());
            if (sameName != null
                    && missing.contains(sameName.observed().key())
                    && hasSameUidValidity(sameName, entry)) {
                renamed.put(key, sameName.observed().key());
                continue;
            }
            entry.listed().status().ifPresent(status -> {
                if (status.uidValidity().isPresent() && status.uidNext().isPresent()) {
                    Numbers numbers = new Numbers(
                            status.uidValidity().getAsLong(), status.uidNext().getAsLong());
                    appeared.computeIfAbsent(numbers, unused -> new ArrayList<>())
                            .add(key);
                }
            });
        }
        for (MailboxKey key : missing) {
            if (!renamed.containsValue(key)) {
                Optional<Cursor.Imap> cursor = known.get(key).cursor();
                cursor.ifPresent(c -> vanished.computeIfAbsent(
                                new Numbers(c.uidValidity(), c.uidNext()), unused -> new ArrayList<>())
                        .add(key));
            }
        }
        appeared.forEach((numbers, keys) -> {
            List<MailboxKey> before = vanished.getOrDefault(numbers, List.of());
            if (keys.size() == 1 && before.size() == 1) {
                renamed.put(keys.getFirst(), before.getFirst());
            }
        });
        return renamed;
    }

    private static boolean hasSameUidValidity(MailboxSnapshot known, Entry entry) {
        OptionalLong now =
                entry.listed().status().map(MailboxStatus::uidValidity).orElse(OptionalLong.empty());
        return known.cursor()
                .map(cursor -> now.isPresent() && now.getAsLong() == cursor.uidValidity())
                .orElse(true);
    }

    private static ObservedMailbox withRenamedFrom(ObservedMailbox mailbox, Optional<MailboxKey> from) {
        return new ObservedMailbox(
                mailbox.key(),
                from,
                mailbox.rawName(),
                mailbox.name(),
                mailbox.parent(),
                mailbox.role(),
                mailbox.sortOrder(),
                mailbox.isSubscribed(),
                mailbox.selectable(),
                mailbox.totalEmails(),
                mailbox.unreadEmails());
    }
}
