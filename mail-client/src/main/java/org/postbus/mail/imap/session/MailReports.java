package org.postbus.mail.imap.session;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.ImapViolation;
import org.postbus.mail.imap.grammar.FetchItem;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.response.ImapResponse;

/**
 * Decides about each response that concerns mail: whether it is an item that the command in progress streams, part of that
 * command's answer, or a change that the server reports unasked. Keeps the changes until they are taken.
 */
final class MailReports {
    private final AnswerBudget budget;
    private final Consumer<ImapResponse> answer;
    private final MailboxChanges changes = new MailboxChanges(ImapSession.CHANGES_MAX, ImapSession.CHANGES_BYTES_MAX);
    private final AccountChanges accountChanges =
            new AccountChanges(ImapSession.CHANGES_MAX, ImapSession.CHANGES_BYTES_MAX);

    private volatile boolean notifying;
    /** EXISTS as last reported, less what was expunged since; -1 if not known. */
    private volatile long messages = -1;

    /** Null if there is none. */
    private ImapCommand command;
    /** About the memory that the response takes that is handled now. */
    private long bytes;

    private boolean contentSeen;
    /**
     * A mailbox was selected before, and the server has not said that it is closed: what it reports may belong to that one.
     */
    private boolean otherMailbox;
    /** Nothing came in answer to {@link ImapCommand.Resync} that could not be delivered. */
    private boolean allUnderstood;

    /** @param answer takes the responses that belong to the answer of the command in progress */
    MailReports(AnswerBudget budget, Consumer<ImapResponse> answer) {
        this.budget = budget;
        this.answer = answer;
    }

    MailboxChanges changes() {
        return changes;
    }

    AccountChanges accountChanges() {
        return accountChanges;
    }

    boolean notifying() {
        return notifying;
    }

    long messages() {
        return messages;
    }

    /** @param otherSelected whether another mailbox was selected until now */
    void begin(ImapCommand next, boolean otherSelected) {
        command = next;
        contentSeen = false;
        if (next instanceof ImapCommand.Selects) {
            otherMailbox = otherSelected;
            allUnderstood = true;
            changes.clear();
            messages = -1;
        }
        budget.begin(messages, asked(next));
    }

    private static long asked(ImapCommand command) {
        return switch (command) {
            case ImapCommand.UidFetch(var uids, var items) -> uids.size();
            case ImapCommand.UidFetchSection section -> 1;
            default -> Long.MAX_VALUE;
        };
    }

    void end(boolean done) {
        if (done && command instanceof ImapCommand.NotifySet) {
            notifying = true;
        }
        if (done && command instanceof ImapCommand.NotifyNone) {
            notifying = false;
        }
        command = null;
    }

    /** The mailbox that was selected before is closed: the responses from now on belong to the new one. */
    void otherMailboxClosed() {
        otherMailbox = false;
        allUnderstood = true;
        changes.clear();
        messages = -1;
    }

    /** NOTIFICATIONOVERFLOW (RFC 5465 section 5.8): the server gives up notifying. */
    List<SessionOutput> notificationOverflow(long size) {
        bytes = size;
        List<SessionOutput> outputs = changed(new AccountChange.TooMany());
        notifying = false;
        return outputs;
    }

    /** @param selected what the answer to {@link ImapCommand.Resync} says about the mailbox */
    Resynced resynced(ImapCommand.Resync resync, SelectedMailbox selected) {
        boolean complete = allUnderstood
                && !otherMailbox
                && selected.uidValidity().equals(OptionalLong.of(resync.since().uidValidity()))
                && selected.highestModSeq().orElse(0) >= resync.since().modSeq();
        return new Resynced.Selected(selected, complete);
    }

    List<SessionOutput> listed(ImapResponse.Listed listed, long size) {
        bytes = size;
        return !notifying || command instanceof ImapCommand.ListAll || command instanceof ImapCommand.ListSubscribed
                ? answered(listed)
                : changed(new AccountChange.Listed(ImapAnswer.mailbox(listed, Optional.empty()), listed.oldName()));
    }

    List<SessionOutput> status(ImapResponse.MailboxStatusReported reported, long size) {
        bytes = size;
        boolean asked = command instanceof ImapCommand.ListAll
                || (command instanceof ImapCommand.Status status
                        && status.name().equals(reported.name()));
        return asked || !notifying
                ? answered(reported)
                : changed(new AccountChange.Dirty(reported.name(), reported.status()));
    }

    List<SessionOutput> exists(ImapResponse.Exists exists, long size) {
        bytes = size;
        boolean differs = exists.messages() != messages;
        messages = exists.messages();
        budget.messages(messages);
        if (command instanceof ImapCommand.Selects) {
            return answered(exists);
        }
        return differs ? changed(new MailboxChange.Exists(exists.messages())) : List.of();
    }

    List<SessionOutput> expunged(ImapResponse.Expunge expunge, long size) {
        bytes = size;
        messages = Math.max(-1, messages - 1);
        allUnderstood = false;
        return changed(new MailboxChange.Expunged(expunge.sequenceNumber()));
    }

    List<SessionOutput> vanished(ImapResponse.Vanished vanished, long size) {
        bytes = size;
        if (command instanceof ImapCommand.Resync) {
            return otherMailbox
                    ? List.of()
                    : List.of(new SessionOutput.Deliver(
                            new Resynced.Vanished(vanished.uids().ranges())));
        }
        if (!vanished.earlier()) {
            messages = Math.max(-1, messages - vanished.uids().size());
        }
        return changed(new MailboxChange.Vanished(vanished.uids().ranges(), vanished.earlier()));
    }

    List<SessionOutput> fetched(ImapResponse.Fetch fetch, long size) {
        bytes = size;
        FetchedMessage message = fetch.message();
        if (command instanceof ImapCommand.UidFetch(var uids, var items)) {
            checkLength(message, items);
        }
        if (command instanceof ImapCommand.UidFetch(var uids, var items) && uids.contains(message.uid())) {
            if (fetch.stateOnly() && asksForMoreThanState(items)) {
                // Part of the answer, or reported unasked: that cannot be told, so it is taken as both.
                message.flags()
                        .ifPresent(flags -> changed(new MailboxChange.FlagsReported(
                                fetch.sequenceNumber(), OptionalLong.of(message.uid()), flags, message.modSeq())));
            }
            return List.of(new SessionOutput.Deliver(message));
        }
        if (command instanceof ImapCommand.Resync) {
            allUnderstood &= message.flags().isPresent();
            return otherMailbox || message.flags().isEmpty()
                    ? List.of()
                    : List.of(new SessionOutput.Deliver(new Resynced.StateReported(
                            message.uid(), message.flags().get(), message.modSeq())));
        }
        if (command instanceof ImapCommand.UidFetchSection(var uid, var section)) {
            Optional<byte[]> content = fetch.sections().getOrDefault(section.itemName(), Optional.empty());
            if (content.isPresent()) {
                if (contentSeen) {
                    throw new ImapViolation("content twice in answer to one command");
                }
                contentSeen = true;
                return content(message.uid() == uid, content.get());
            }
        }
        if (command instanceof ImapCommand.UidStore store && store.uids().contains(message.uid())) {
            answered(fetch);
        }
        return message.flags()
                .map(flags -> changed(new MailboxChange.FlagsReported(
                        fetch.sequenceNumber(), OptionalLong.of(message.uid()), flags, message.modSeq())))
                .orElse(List.of());
    }

    List<SessionOutput> fetchedWithoutUid(ImapResponse.FetchWithoutUid fetch, long size) {
        bytes = size;
        allUnderstood = false;
        return fetch.flags()
                .map(flags -> changed(new MailboxChange.FlagsReported(
                        fetch.sequenceNumber(), OptionalLong.empty(), flags, fetch.modSeq())))
                .orElse(List.of());
    }

    private static List<SessionOutput> content(boolean asked, byte[] content) {
        if (content == ImapFramer.STREAMED) {
            if (!asked) {
                throw new ImapViolation("the content of another message");
            }
            return List.of();
        }
        return asked
                ? List.of(new SessionOutput.Deliver(
                        new ImapFramer.LiteralPart(content, 0, content.length, content.length)))
                : List.of();
    }

    /** What comes in quotes is no literal, and is held to the same limit, whichever message it belongs to. */
    private static void checkLength(FetchedMessage message, FetchItems items) {
        int length = message.body().map(body -> body.length).orElse(0);
        for (FetchItem item : items.items()) {
            if (item instanceof FetchItem.BodyStart(var octetsMax) && length > octetsMax) {
                throw ImapViolation.ofLimit(length + " octets of a message where " + octetsMax + " were asked for");
            }
        }
    }

    private static boolean asksForMoreThanState(FetchItems items) {
        return items.items().stream()
                .anyMatch(item -> !(item instanceof FetchItem.Flags) && !(item instanceof FetchItem.ModSeq));
    }

    private List<SessionOutput> changed(MailboxChange change) {
        changes.add(change, bytes);
        return reported();
    }

    private List<SessionOutput> changed(AccountChange change) {
        accountChanges.add(change, bytes);
        return reported();
    }

    private List<SessionOutput> reported() {
        boolean watching =
                command == null || command instanceof ImapCommand.Idle || command instanceof ImapCommand.Noop;
        return watching ? List.of(new SessionOutput.Changed()) : List.of();
    }

    private List<SessionOutput> answered(ImapResponse response) {
        answer.accept(response);
        return List.of();
    }
}
