package org.postbus.outbound.imap;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.outbound.imap.MessageCopies.Originals;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.HeldClaim;

/**
 * Copies and moves messages, and proves that the target holds them: COPYUID names the copy, or the target is read. Servers answer OK to
 * commands on messages that are gone, so OK proves nothing. A message whose copy is not proved has failed, and the actions that follow, such as
 * the expunge of the original, leave it out.
 *
 * <p>COPY must not run twice. The claim is confirmed before it and after it. A process that was frozen in between, so that another one has
 * copied too, removes its own copy.
 */
final class Transfers {
    private static final Logger LOG = Logger.getLogger(Transfers.class);

    private final BlockingConnection connection;
    private final MailboxWork work;
    private final PlanProgress progress;
    private final FetchedState state;
    private final Commands commands;
    private final MessageCopies copies;
    private final HeldClaim claim;

    Transfers(
            BlockingConnection connection,
            MailboxWork work,
            PlanProgress progress,
            FetchedState state,
            Commands commands,
            MessageCopies copies,
            HeldClaim claim) {
        this.connection = connection;
        this.work = work;
        this.progress = progress;
        this.state = state;
        this.commands = commands;
        this.copies = copies;
        this.claim = claim;
    }

    /** @param copied UIDs whose copy an earlier attempt has made: nothing is left to do for them */
    void copy(MailboxName target, Collection<Long> uids, Set<Long> copied) {
        Set<Long> rest = untransferred(uids, copied);
        if (rest.isEmpty()) {
            return;
        }
        CopyReport report = new CopyReport();
        commands.sendOnce(
                rest, set -> report.add(connection.await(connection.imap().uidCopy(set.ranges(), target))));
        Set<Long> sent = state.pending(rest);
        Map<Long, Long> made = new TreeMap<>(report.copiesOf(sent));
        if (!claim.isHeld()) {
            undo(target, made, report.uidValidity());
            claim.confirm();
        }
        Set<Long> unproved = new TreeSet<>(sent);
        unproved.removeAll(made.keySet());
        if (!unproved.isEmpty()) {
            Originals originals = copies.originals(unproved);
            made.putAll(copies.in(target, unproved, originals, made.values()));
            connection.selectForWriting(work.mailbox());
            unproved.removeAll(made.keySet());
            // One that is gone could not be copied; of another one the server said so, and did not do it.
            unproved.forEach(uid -> failUnproved(uid, originals.messages().containsKey(uid), target));
        }
        reportSecondCopies(target, made);
    }

    /**
     * No copy was there before. If there are two now, the process that lost the claim woke up in between. It removes its own copy, unless it
     * made it first; this process removes none, so that one is left in any case.
     */
    private void reportSecondCopies(MailboxName target, Map<Long, Long> made) {
        Set<Long> repeated = new TreeSet<>(made.keySet());
        repeated.removeIf(uid -> !progress.triedBefore(work.uids().get(uid)));
        if (repeated.isEmpty()) {
            return;
        }
        Originals originals = copies.originals(repeated);
        if (connection.examineIfExists(target)) {
            long twice = repeated.stream()
                    .filter(uid -> copies.alike(uid, originals).size() > 1)
                    .count();
            if (twice > 0) {
                LOG.warnf("%d emails were copied to %s twice by two processes", twice, target.displayName());
            }
        }
        connection.selectForWriting(work.mailbox());
    }

    /** @param copied UIDs that an earlier attempt has moved: nothing is left to do for them */
    CopyReport move(MailboxName target, Collection<Long> uids, Set<Long> copied) {
        CopyReport report = new CopyReport();
        Set<Long> rest = untransferred(uids, copied);
        if (rest.isEmpty()) {
            return report;
        }
        // After the move nothing but its Message-ID would identify a message that the server does not report.
        Originals originals = connection.imap().capabilities().has("UIDPLUS")
                ? Originals.UNKNOWN
                : copies.originals(
                        rest.stream().filter(uid -> !copies.hasMessageId(uid)).toList());
        commands.send(rest, set -> report.add(connection.await(connection.imap().uidMove(set.ranges(), target))));
        Set<Long> unproved = state.pending(rest);
        Collection<Long> proved = report.copiesOf(unproved).values();
        unproved.removeAll(report.copiesOf(unproved).keySet());
        if (!unproved.isEmpty()) {
            Set<Long> stillHere = new TreeSet<>();
            for (UidSet set : BlockingConnection.commands(unproved)) {
                connection.fetchExisting(set, FetchItems.of(FetchItems.FLAGS)).stream()
                        .map(FetchedMessage::uid)
                        .forEach(stillHere::add);
            }
            stillHere.retainAll(unproved);
            unproved.removeAll(stillHere);
            unproved.removeAll(copies.in(target, unproved, originals, proved).keySet());
            connection.selectForWriting(work.mailbox());
            unproved.forEach(uid -> failUnproved(uid, false, target));
            stillHere.forEach(uid -> failUnproved(uid, true, target));
        }
        return report;
    }

    private Set<Long> untransferred(Collection<Long> uids, Set<Long> copied) {
        for (long uid : uids) {
            if (copied.contains(uid)) {
                progress.found(work.uids().get(uid));
            } else if (!state.exists(uid)) {
                progress.missing(work.uids().get(uid));
            }
        }
        Set<Long> rest = state.pending(uids);
        rest.removeAll(copied);
        return rest;
    }

    private void failUnproved(long uid, boolean isHere, MailboxName target) {
        if (isHere) {
            progress.fail(
                    work.uids().get(uid),
                    new ServerFailure.Conflict(
                            "the server answered OK, and the email is not in " + target.displayName()));
        } else {
            progress.missing(work.uids().get(uid));
        }
    }

    /**
     * Our copies in place of their originals, which may be gone: then a Message-ID alone would decide what is the same message. The target is
     * selected.
     */
    private Originals copiesAsOriginals(Map<Long, Long> made, Originals originals) {
        Map<Long, FetchedMessage> byCopy = new HashMap<>();
        for (UidSet set : BlockingConnection.commands(made.values())) {
            connection
                    .fetch(set, FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                    .forEach(message -> byCopy.put(message.uid(), message));
        }
        Map<Long, FetchedMessage> ours = new HashMap<>();
        made.forEach((uid, copy) -> Optional.ofNullable(byCopy.get(copy))
                .filter(message -> message.size().isPresent())
                .ifPresent(message -> ours.put(uid, message)));
        return new Originals(ours, originals.headers());
    }

    /**
     * Another process has taken the mutations over while this one copied. Where the target holds another copy, ours is one too many.
     *
     * @param made by UID of the original, the UID of our copy
     * @param uidValidity of the target when it was copied
     */
    private void undo(MailboxName target, Map<Long, Long> made, OptionalLong uidValidity) {
        try {
            Originals originals = copies.originals(made.keySet());
            if (made.isEmpty() && connection.imap().capabilities().has("UIDPLUS")) {
                // There was nothing left to copy.
                return;
            }
            if (made.isEmpty()
                    || !connection.select(target, false).uidValidity().equals(uidValidity)
                    || !connection.imap().capabilities().has("UIDPLUS")) {
                LOG.warnf("a copy was made after the claim was lost; there may be two in %s", target.displayName());
                return;
            }
            Originals ours = copiesAsOriginals(made, originals);
            Set<Long> tooMany = new TreeSet<>();
            made.forEach((uid, copy) -> {
                // Only a later one: of two processes that remove a copy, one keeps its own.
                if (ours.messages().containsKey(uid)
                        && copies.alike(uid, ours).stream()
                                .anyMatch(other -> other < copy && !made.containsValue(other))) {
                    tooMany.add(copy);
                }
            });
            for (UidSet set : BlockingConnection.commands(tooMany)) {
                connection.await(connection
                        .imap()
                        .uidStore(set.ranges(), StoreMode.ADD, Set.of(ImapFlag.DELETED), OptionalLong.empty()));
                connection.await(connection.imap().uidExpunge(set.ranges()));
            }
            LOG.warnf(
                    "%d of %d copies in %s were made a second time after the claim was lost, and were removed",
                    tooMany.size(), made.size(), target.displayName());
        } catch (ServerException e) {
            LOG.warnf(
                    "there may be two copies in %s, made after the claim was lost: %s",
                    target.displayName(), e.failure().text());
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                // A command may still be outstanding on the connection.
                throw e;
            }
        } finally {
            connection.forgetSelected();
        }
    }
}
