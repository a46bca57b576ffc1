package org.postbus.outbound.imap;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;

/**
 * Finds the messages that an earlier attempt has already copied or moved to their target, because COPY must not be repeated. Only emails that
 * were tried before are searched for.
 */
final class CopyDetection {
    private final BlockingConnection connection;
    private final MailboxWork work;
    private final PlanProgress progress;
    private final MessageCopies copies;

    CopyDetection(BlockingConnection connection, MailboxWork work, PlanProgress progress, MessageCopies copies) {
        this.connection = connection;
        this.work = work;
        this.progress = progress;
        this.copies = copies;
    }

    /**
     * The work's mailbox is selected before and after.
     *
     * @return by target, the UIDs (in the work's mailbox) whose copy is there
     */
    Map<MailboxName, Set<Long>> find(FetchedState state) {
        Map<MailboxName, Set<Long>> searched = searched(state);
        if (searched.isEmpty()) {
            return Map.of();
        }
        Set<Long> all = new TreeSet<>();
        searched.values().forEach(all::addAll);
        MessageCopies.Originals originals = copies.originals(state.pending(all));
        Map<MailboxName, Set<Long>> copied = new HashMap<>();
        searched.forEach((target, uids) ->
                copied.put(target, copies.in(target, uids, originals, List.of()).keySet()));
        connection.selectForWriting(work.mailbox());
        return copied;
    }

    /** The messages that an earlier attempt may have copied, by target. */
    private Map<MailboxName, Set<Long>> searched(FetchedState state) {
        Map<MailboxName, Set<Long>> searched = new HashMap<>();
        for (Action action : work.actions()) {
            Set<Long> uids = new TreeSet<>(action.uids());
            uids.removeIf(uid -> !progress.triedBefore(work.uids().get(uid)));
            if (uids.isEmpty()) {
                continue;
            }
            switch (action) {
                case Action.Copy copy ->
                    searched.computeIfAbsent(copy.target(), t -> new TreeSet<>())
                            .addAll(uids);
                case Action.Move move -> {
                    // A message that still exists here has not been moved.
                    uids.removeIf(state::exists);
                    if (!uids.isEmpty()) {
                        searched.computeIfAbsent(move.target(), t -> new TreeSet<>())
                                .addAll(uids);
                    }
                }
                case Action.Check check -> {}
                case Action.Store store -> {}
                case Action.MarkDeleted delete -> {}
                case Action.Expunge expunge -> {}
                case Action.Label label -> {}
                // X-GM-MSGID survives a move, so the fetcher reports the new location.
                case Action.MoveAndLabel move -> {}
                case Action.MoveAndDestroy move -> {}
            }
        }
        return searched;
    }
}
