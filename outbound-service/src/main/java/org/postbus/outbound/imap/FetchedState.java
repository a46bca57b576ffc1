package org.postbus.outbound.imap;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.EmailId;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;

/** Which messages of one mailbox's work exist, with their flags and mod-sequences as fetched before the actions. */
final class FetchedState {
    private final MailboxWork work;
    private final PlanProgress progress;
    private final Map<Long, Set<ImapFlag>> flags = new HashMap<>();
    /** Only of messages that are known to be unchanged since, except by this connection. */
    private final Map<Long, Long> modSeqs = new HashMap<>();

    FetchedState(MailboxWork work, PlanProgress progress) {
        this.work = work;
        this.progress = progress;
    }

    /** Ignores messages that are not part of the work: a server may send FETCH responses for others at any time. */
    void add(FetchedMessage message) {
        EmailId email = work.uids().get(message.uid());
        if (email == null) {
            return;
        }
        progress.found(email);
        flags.put(message.uid(), message.flags().orElse(Set.of()));
        message.modSeq().ifPresent(modSeq -> modSeqs.put(message.uid(), modSeq));
    }

    boolean exists(long uid) {
        return flags.containsKey(uid);
    }

    boolean allExist() {
        return flags.keySet().containsAll(work.uids().keySet());
    }

    /** Those of the messages that exist and whose email has no answer yet. */
    Set<Long> pending(Collection<Long> uids) {
        Set<Long> pending = new TreeSet<>();
        for (long uid : uids) {
            if (exists(uid) && progress.isUnanswered(work.uids().get(uid))) {
                pending.add(uid);
            }
        }
        return pending;
    }

    /** Those of the pending messages that do not have the requested flags yet. */
    Set<Long> pendingStore(StoreMode mode, Set<ImapFlag> requested, Collection<Long> uids) {
        Set<Long> needed = pending(uids);
        needed.removeIf(uid -> mode == StoreMode.ADD
                ? flags.get(uid).containsAll(requested)
                : requested.stream().noneMatch(flags.get(uid)::contains));
        return needed;
    }

    /** After a STORE of ours a message's mod-sequence is the reported one; unknown if none was reported. */
    void stored(UidSet uids, StoreResult result) {
        modSeqs.keySet().removeIf(uids::contains);
        modSeqs.putAll(result.modSeqs());
    }

    /**
     * The UNCHANGEDSINCE value for all of the messages (RFC 7162 section 3.1.3). A later change of any of them has a higher mod-sequence
     * than the whole mailbox had when they were fetched, so one value serves for all. Empty if one is unknown.
     */
    OptionalLong newestModSeq(UidSet uids) {
        long newest = 0;
        for (long uid : work.uids().keySet()) {
            if (uids.contains(uid)) {
                Long modSeq = modSeqs.get(uid);
                if (modSeq == null) {
                    return OptionalLong.empty();
                }
                newest = Math.max(newest, modSeq);
            }
        }
        return newest == 0 ? OptionalLong.empty() : OptionalLong.of(newest);
    }
}
