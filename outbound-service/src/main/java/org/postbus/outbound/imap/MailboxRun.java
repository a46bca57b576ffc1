package org.postbus.outbound.imap;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.EmailIdentity;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * Executes a plan's work in one mailbox.
 *
 * <p>Phases: SELECT, and compare UIDVALIDITY; UID FETCH (FLAGS) of every message of the work, because servers answer OK to commands on
 * messages that are gone; {@link CopyDetection}; then the actions. If it stops after any phase or action, everything done so far is kept, and
 * the emails without an answer are tried again from the start.
 *
 * <p>Flag changes are deltas without UNCHANGEDSINCE: they undo no change of another client, and with it any change of the message would
 * make an unrelated mutation fail. Destroying cannot be undone and therefore carries it: a message is marked {@code \Deleted} only if it has not
 * changed since its flags were fetched (RFC 7162 section 3.1.3).
 */
final class MailboxRun {
    /** Refusals that do not say why: the mailbox cannot be read for now, which says nothing about the emails. */
    private static final Set<String> FOR_NOW = Set.of("NO", "UNAVAILABLE", "SERVERBUG", "CONTACTADMIN");

    private final BlockingConnection connection;
    private final MailboxWork work;
    private final PlanProgress progress;
    private final ServerSnapshot snapshot;
    private final FetchedState state;
    private final Commands commands;
    private final CopyDetection detection;
    private final Transfers transfers;

    MailboxRun(
            BlockingConnection connection,
            MailboxWork work,
            PlanProgress progress,
            ServerSnapshot snapshot,
            HeldClaim claim) {
        this.connection = connection;
        this.work = work;
        this.progress = progress;
        this.snapshot = snapshot;
        this.state = new FetchedState(work, progress);
        this.commands = new Commands(work, progress, claim);
        MessageCopies copies = new MessageCopies(connection, work, snapshot);
        this.detection = new CopyDetection(connection, work, progress, copies);
        this.transfers = new Transfers(connection, work, progress, state, commands, copies, claim);
    }

    /**
     * @throws ServerException if the connection cannot be used any more; a refusal is the answer of the emails that it concerns
     * @throws HeldClaim.LostException if another process may own the mutations
     */
    void run() {
        Map<MailboxName, Set<Long>> copied;
        try {
            if (!fetchState()) {
                return;
            }
            copied = detection.find(state);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected rejected)) {
                throw e;
            }
            failAll(unread(rejected));
            return;
        }
        try {
            execute(copied);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            failAll(e.failure());
        }
    }

    /** A refusal to read is none of the mutation. */
    private ServerFailure unread(ServerFailure.Rejected refusal) {
        return FOR_NOW.contains(refusal.code())
                ? new ServerFailure.CursorLost(
                        "the mailbox " + work.mailbox().displayName() + " cannot be read: " + refusal.text())
                : refusal;
    }

    /**
     * A mailbox that stayed selected since an earlier flush may have been deleted and created again. Its UIDs are then still those of the
     * old one (RFC 9051 section 2.3.1.1), so no wrong message is changed; James refuses all commands there. If a message is missing, it is
     * fetched again from the mailbox that has the name now.
     *
     * @return false if the mailbox cannot be used; its emails have their answers then
     */
    private boolean fetchState() {
        boolean selectedBefore = connection.isSelectedForWriting(work.mailbox());
        if (!selectAndCheck()) {
            return false;
        }
        try {
            fetchFlags();
            if (!selectedBefore || state.allExist()) {
                return true;
            }
        } catch (ServerException e) {
            if (!selectedBefore || !(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
        }
        connection.forgetSelected();
        if (!selectAndCheck()) {
            return false;
        }
        fetchFlags();
        return true;
    }

    private boolean selectAndCheck() {
        SelectedMailbox mailbox;
        try {
            mailbox = connection.selectForWriting(work.mailbox());
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected rejected)) {
                throw e;
            }
            // Renamed or deleted; the fetcher reports which.
            failAll(
                    FOR_NOW.contains(rejected.code())
                            ? unread(rejected)
                            : new ServerFailure.Conflict("the mailbox "
                                    + work.mailbox().displayName() + " cannot be opened: " + rejected.text()));
            return false;
        }
        if (mailbox.readOnly()) {
            failAll(new ServerFailure.Rejected(
                    "NOPERM", "the mailbox " + work.mailbox().displayName() + " is read-only"));
            return false;
        }
        if (mailbox.uidValidity().orElse(0) != work.uidValidity()) {
            failAll(new ServerFailure.CursorLost(
                    "the UIDVALIDITY of the mailbox " + work.mailbox().displayName() + " changed"));
            return false;
        }
        return true;
    }

    private void fetchFlags() {
        boolean withModSeq = connection.imap().condstoreEnabled()
                && connection.selected().highestModSeq().isPresent();
        FetchItems items =
                withModSeq ? FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ) : FetchItems.of(FetchItems.FLAGS);
        for (UidSet uids : BlockingConnection.commands(work.uids().keySet())) {
            connection.fetchExisting(uids, items).forEach(state::add);
        }
    }

    /** @param copied by target, the UIDs whose copy an earlier attempt has made */
    private void execute(Map<MailboxName, Set<Long>> copied) {
        var imap = connection.imap();
        for (Action action : work.actions()) {
            switch (action) {
                case Action.Check check -> {}
                case Action.Store store -> store(store);
                case Action.Copy copy ->
                    transfers.copy(copy.target(), copy.uids(), copied.getOrDefault(copy.target(), Set.of()));
                case Action.Move move ->
                    transfers.move(move.target(), move.uids(), copied.getOrDefault(move.target(), Set.of()));
                case Action.MarkDeleted delete -> markDeleted(delete);
                case Action.Expunge expunge ->
                    commands.send(
                            state.pending(expunge.uids()), uids -> connection.await(imap.uidExpunge(uids.ranges())));
                case Action.Label label ->
                    commands.send(
                            state.pending(label.uids()),
                            uids -> connection.await(imap.uidStoreLabels(uids.ranges(), label.mode(), label.labels())));
                case Action.MoveAndLabel move ->
                    moveAndThen(
                            move.target(),
                            move.uids(),
                            uids -> connection.await(imap.uidStoreLabels(uids.ranges(), StoreMode.ADD, move.labels())));
                case Action.MoveAndDestroy move ->
                    moveAndThen(move.trash(), move.uids(), uids -> {
                        connection.await(imap.uidStore(
                                uids.ranges(), StoreMode.ADD, Set.of(ImapFlag.DELETED), OptionalLong.empty()));
                        connection.await(imap.uidExpunge(uids.ranges()));
                    });
            }
            action.uids().forEach(uid -> progress.executed(work.uids().get(uid)));
        }
    }

    private void store(Action.Store store) {
        Set<Long> uids = state.pendingStore(store.mode(), store.flags(), store.uids());
        Optional<ImapFlag> notPermanent = store.flags().stream()
                .filter(flag -> !connection.selected().canStore(flag))
                .findFirst();
        if (notPermanent.isPresent()) {
            uids.forEach(uid -> fail(
                    uid,
                    new ServerFailure.Rejected(
                            "CANNOT",
                            "the mailbox " + work.mailbox().displayName() + " does not keep the keyword "
                                    + notPermanent.get() + " (PERMANENTFLAGS)")));
            return;
        }
        commands.send(
                uids,
                set -> state.stored(
                        set,
                        connection.await(connection
                                .imap()
                                .uidStore(set.ranges(), store.mode(), store.flags(), OptionalLong.empty()))));
    }

    /** Moves on Gmail and continues in the target mailbox, with the messages that have the right X-GM-MSGID there. */
    private void moveAndThen(MailboxName target, Collection<Long> uids, Consumer<UidSet> then) {
        CopyReport report = transfers.move(target, uids, Set.of());
        Map<EmailIdentity, Long> expected = new HashMap<>();
        for (long uid : state.pending(uids)) {
            snapshot.email(work.uids().get(uid))
                    .flatMap(ServerSnapshot.EmailSnapshot::identity)
                    .ifPresent(identity -> expected.put(identity, uid));
        }
        Set<Long> found = new TreeSet<>();
        if (!report.targets().isEmpty() && !expected.isEmpty()) {
            connection.select(target, false);
            connection
                    .fetch(UidSet.of(report.targets()), FetchItems.of(FetchItems.GMAIL_MESSAGE_ID))
                    .forEach(message -> message.gmail()
                            .flatMap(FetchedMessage.Gmail::messageId)
                            .map(id -> expected.remove(new EmailIdentity.Gmail(id)))
                            .ifPresent(uid -> found.add(message.uid())));
            BlockingConnection.commands(found).forEach(then);
        }
        expected.values()
                .forEach(uid -> fail(
                        uid,
                        new ServerFailure.Conflict("the email was moved to " + target.displayName()
                                + "; the next attempt does the rest, when the fetcher has reported it there")));
    }

    private void markDeleted(Action.MarkDeleted delete) {
        commands.send(state.pending(delete.uids()), set -> {
            var result = connection.await(connection
                    .imap()
                    .uidStore(set.ranges(), StoreMode.ADD, Set.of(ImapFlag.DELETED), state.newestModSeq(set)));
            UidSet modified = UidSet.of(result.modified());
            for (long uid : state.pending(delete.uids())) {
                if (modified.contains(uid)) {
                    fail(
                            uid,
                            new ServerFailure.Conflict("another client changed the email at the same time (MODIFIED)"));
                }
            }
        });
    }

    private void fail(long uid, ServerFailure failure) {
        progress.fail(work.uids().get(uid), failure);
    }

    private void failAll(ServerFailure failure) {
        work.uids().values().forEach(email -> progress.fail(email, failure));
    }
}
