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
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.MailboxWork;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.Cursor;

/**
 * Lists an account's mailboxes with their STATUS at the beginning of each pass. With LIST-STATUS (RFC 5819) one command returns all of them.
 * Without, each mailbox takes a command: some are checked in each pass ({@link StatusSchedule}), and all as soon as a message was added to or
 * removed from one of these. It may have been moved from or to a mailbox that was not checked, and a move is detected only when both mailboxes
 * are read in the same pass. Belongs to the account's loop.
 */
final class StatusRounds {
    /** For an account of thousands of mailboxes on a server without LIST-STATUS. */
    private static final Duration LIST_TIME_MAX = Duration.ofMinutes(5);

    private final Duration poll;
    private final Map<String, StatusSchedule.Checked> checkedByRawName = new HashMap<>();
    private final Map<String, MailboxStatus> statusByRawName = new HashMap<>();
    private final Map<String, Long> passByRawName = new HashMap<>();

    StatusRounds(Duration poll) {
        this.poll = poll;
    }

    /**
     * @param unchecked mailboxes of which only the existence is known
     */
    record Round(List<ListedMailbox> listed, Set<MailboxName> unchecked) {

        /** The raw names of mailboxes that the server lists and does not give a STATUS of, although it was asked. */
        Set<String> withoutStatus() {
            return listed.stream()
                    .filter(one -> one.selectable() && one.status().isEmpty() && !unchecked.contains(one.name()))
                    .map(one -> one.name().raw())
                    .collect(Collectors.toSet());
        }

        /**
         * Whether a known mailbox is missing, or one is listed of which the server knows nothing. Mailboxes are deleted, and access to them is
         * refused, but the state of the session may also be wrong.
         *
         * @param believed raw names of mailboxes that a fresh session listed without STATUS
         */
        boolean contradicts(Collection<ImapMailbox> known, Set<String> believed) {
            Set<String> names = names();
            return !believed.containsAll(withoutStatus())
                    || known.stream()
                            .anyMatch(mailbox -> mailbox.observed()
                                    .rawName()
                                    .filter(name -> !names.contains(name))
                                    .isPresent());
        }

        Set<String> names() {
            return listed.stream().map(one -> one.name().raw()).collect(Collectors.toSet());
        }
    }

    Round check(ImapConnection connection, Collection<ImapMailbox> known, ImapPass.Scope scope)
            throws InterruptedException {
        Instant now = scope.request().startedAt();
        Set<String> due = new HashSet<>(StatusSchedule.due(checkedByRawName, now, poll));
        Predicate<MailboxName> wanted = name -> scope.everything()
                || scope.dirty().contains(name)
                || due.contains(name.raw())
                || !checkedByRawName.containsKey(name.raw())
                || name.equals(MailboxName.INBOX);
        List<ListedMailbox> listed = Await.of(connection.list(wanted), LIST_TIME_MAX, ServerException::unreachable);
        Predicate<ListedMailbox> unchecked =
                one -> one.selectable() && one.status().isEmpty() && !wanted.test(one.name());
        if (listed.stream().anyMatch(unchecked) && messagesMoved(listed, known, now)) {
            listed = Await.of(
                    connection.withStatus(listed, name -> !wanted.test(name)),
                    LIST_TIME_MAX,
                    ServerException::unreachable);
            unchecked = one -> false;
        }
        Set<MailboxName> uncheckedNames =
                listed.stream().filter(unchecked).map(ListedMailbox::name).collect(Collectors.toSet());
        note(listed, now);
        return new Round(listed, uncheckedNames);
    }

    /**
     * The pass has ended. Returns the smallest number among the passes in which the mailboxes were last checked; 0 if one never was.
     *
     * @param refused mailboxes that the server refused in this pass: whatever their STATUS says, they were not checked
     */
    long completeSince(Round round, Set<MailboxName> refused, long pass) {
        for (ListedMailbox one : round.listed()) {
            boolean checked = !round.unchecked().contains(one.name()) && !refused.contains(one.name());
            passByRawName.merge(one.name().raw(), checked ? pass : 0, Math::max);
        }
        return passByRawName.values().stream().mapToLong(Long::longValue).min().orElse(pass);
    }

    private static boolean messagesMoved(List<ListedMailbox> listed, Collection<ImapMailbox> known, Instant now) {
        Map<String, ImapMailbox> byName = new HashMap<>();
        known.forEach(mailbox -> mailbox.observed().rawName().ifPresent(name -> byName.put(name, mailbox)));
        Set<String> names = listed.stream().map(one -> one.name().raw()).collect(Collectors.toSet());
        return !names.equals(byName.keySet())
                || listed.stream()
                        .anyMatch(one -> one.status()
                                .filter(status ->
                                        messagesMoved(byName.get(one.name().raw()), status, now))
                                .isPresent());
    }

    private static boolean messagesMoved(ImapMailbox mailbox, MailboxStatus status, Instant now) {
        if (mailbox.refusals().isPausing(now)) {
            return false;
        }
        if (!mailbox.isBackfilled()) {
            return true;
        }
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        return status.uidValidity().orElse(cursor.uidValidity()) != cursor.uidValidity()
                || status.uidNext().orElse(Long.MAX_VALUE) > cursor.uidNext()
                || !MailboxWork.noneVanished(cursor, mailbox.known(), status.messages(), status.uidNext());
    }

    private void note(List<ListedMailbox> listed, Instant now) {
        Set<String> names = listed.stream().map(one -> one.name().raw()).collect(Collectors.toSet());
        checkedByRawName.keySet().retainAll(names);
        statusByRawName.keySet().retainAll(names);
        passByRawName.keySet().retainAll(names);
        for (ListedMailbox one : listed) {
            String name = one.name().raw();
            one.status().ifPresent(status -> note(name, status, one.role().isPresent(), now));
        }
    }

    private void note(String name, MailboxStatus status, boolean hasRole, Instant now) {
        MailboxStatus before = statusByRawName.put(name, status);
        // Before the first check nothing is known of its changes: it is treated as one without any.
        boolean changed = before != null && !before.equals(status);
        Instant changedBefore = Optional.ofNullable(checkedByRawName.get(name))
                .map(StatusSchedule.Checked::changed)
                .orElse(Instant.EPOCH);
        checkedByRawName.put(name, new StatusSchedule.Checked(now, changed ? now : changedBefore, hasRole));
    }
}
