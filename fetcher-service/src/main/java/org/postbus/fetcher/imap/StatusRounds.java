package org.postbus.fetcher.imap;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.postbus.mail.ServerException;
import org.postbus.event.Cursor;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;

/**
 * Lists an account's mailboxes at the beginning of each pass. With LIST-STATUS that tells of all of them. Without, each is asked by
 * itself: some of them ({@link StatusSchedule}), and all others too as soon as a message has come to one of these or gone from it. For it may have
 * been moved from or to a mailbox that was not asked, and a move is only seen as one when both ends are looked at in the same
 * pass. Belongs to the account's loop.
 */
final class StatusRounds {
    /** LIST on an account of thousands of mailboxes, on a server without LIST-STATUS. */
    private static final Duration LIST_TIME_MAX = Duration.ofMinutes(5);

    private final Duration poll;
    /** By raw name. */
    private final Map<String, StatusSchedule.Looked> looked = new HashMap<>();

    private final Map<String, MailboxStatus> statuses = new HashMap<>();

    StatusRounds(Duration poll) {
        this.poll = poll;
    }

    /** @param unasked mailboxes of which nothing is known but that they are there */
    record Round(List<ListedMailbox> listed, Set<MailboxName> unasked) {}

    /**
     * @param everything ask all: what becomes of this pass must hold for the whole account
     * @param stirred raw names of mailboxes in which the watcher saw something
     */
    Round look(
            ImapConnection connection,
            Collection<ImapMailbox> known,
            boolean everything,
            Set<String> stirred,
            Instant now)
            throws InterruptedException {
        Set<String> due = new HashSet<>(StatusSchedule.due(looked, now, poll));
        due.addAll(stirred);
        Predicate<MailboxName> wanted = name -> everything
                || due.contains(ImapWatcher.EVERY_MAILBOX)
                || due.contains(name.raw())
                || !looked.containsKey(name.raw())
                || name.equals(MailboxName.INBOX);
        List<ListedMailbox> listed = Await.of(connection.list(wanted), LIST_TIME_MAX, ServerException::unreachable);
        if (listed.stream().anyMatch(one -> isUnasked(one, wanted)) && mailMoved(listed, known, now)) {
            listed = Await.of(connection.withStatus(listed, name -> !wanted.test(name)), LIST_TIME_MAX, ServerException::unreachable);
            note(listed, now);
            return new Round(listed, Set.of());
        }
        note(listed, now);
        return new Round(
                listed,
                listed.stream()
                        .filter(one -> isUnasked(one, wanted))
                        .map(ListedMailbox::name)
                        .collect(Collectors.toSet()));
    }

    private static boolean isUnasked(ListedMailbox mailbox, Predicate<MailboxName> wanted) {
        return mailbox.selectable() && mailbox.status().isEmpty() && !wanted.test(mailbox.name());
    }

    private static boolean mailMoved(List<ListedMailbox> listed, Collection<ImapMailbox> known, Instant now) {
        Map<String, ImapMailbox> byName = new HashMap<>();
        known.forEach(mailbox -> mailbox.observed.rawName().ifPresent(name -> byName.put(name, mailbox)));
        Set<String> names = listed.stream().map(one -> one.name().raw()).collect(Collectors.toSet());
        return !names.equals(byName.keySet())
                || listed.stream()
                        .anyMatch(one -> one.status()
                                .filter(status ->
                                        mailMoved(byName.get(one.name().raw()), status, now))
                                .isPresent());
    }

    private static boolean mailMoved(ImapMailbox mailbox, MailboxStatus status, Instant now) {
        if (mailbox.refusedUntil.isAfter(now)) {
            return false;
        }
        Optional<Cursor.Imap> cursor = mailbox.cursor;
        return cursor.isEmpty()
                || !cursor.get().backfilled()
                || status.uidValidity().orElse(cursor.get().uidValidity())
                        != cursor.get().uidValidity()
                || status.uidNext().orElse(Long.MAX_VALUE) > cursor.get().uidNext()
                || !MailboxWork.nothingVanished(cursor.get(), mailbox.known, status.messages(), status.uidNext());
    }

    private void note(List<ListedMailbox> listed, Instant now) {
        Set<String> names = listed.stream().map(one -> one.name().raw()).collect(Collectors.toSet());
        looked.keySet().retainAll(names);
        statuses.keySet().retainAll(names);
        for (ListedMailbox one : listed) {
            one.status().ifPresent(status -> {
                MailboxStatus before = statuses.put(one.name().raw(), status);
                // What it was before the first look nobody knows: it is as good as cold.
                boolean changed = before != null && !before.equals(status);
                looked.compute(
                        one.name().raw(),
                        (name, was) -> new StatusSchedule.Looked(
                                now,
                                changed ? now : was == null ? Instant.EPOCH : was.changed(),
                                one.role().isPresent()));
            });
        }
    }
}
