package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.kit.concurrent.ReadAhead;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.model.AccountId;
import org.postbus.observation.Cursor;
import org.postbus.observation.Observation;
import org.postbus.observation.UidRange;

/**
 * The connection of a pass, with one mailbox selected at a time. It publishes what the server reports of the selected mailbox without being
 * asked, because the server reports it only once (RFC 7162 section 3.2.10), and records whether the pass must be followed by another.
 */
public final class MailboxSession {
    public static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(2);
    /** Ranges of one observation. */
    private static final int RANGES_MAX = 1000;
    /** Of flag changes that wait to be published. */
    private static final long STATES_BYTES_AHEAD = 64 * 1024;
    /** Ranges of UIDs that vanished from one mailbox since the last pass. */
    private static final int VANISHED_RANGES_MAX = 500_000;

    private static final Logger LOG = Logger.getLogger(MailboxSession.class);

    /** A part of a pass. */
    @FunctionalInterface
    public interface Step {
        void run() throws InterruptedException;
    }

    private final AccountId account;
    private final ImapConnection connection;
    private final ObservationPublisher out;
    private final Instant now;
    private Optional<SelectedMailbox> selected = Optional.empty();
    private Optional<ImapMailbox> open = Optional.empty();
    private boolean again;
    private MailboxMembership membership = MailboxMembership.OWN;

    public MailboxSession(AccountId account, ImapConnection connection, ObservationPublisher out, Instant now) {
        this.account = account;
        this.connection = connection;
        this.out = out;
        this.now = now;
    }

    public ImapConnection connection() {
        return connection;
    }

    public MailboxMembership membership() {
        return membership;
    }

    public void membership(MailboxMembership asListed) {
        membership = asListed;
    }

    /** What SELECT said of this mailbox, if it is selected. */
    public Optional<SelectedMailbox> ifSelected(ImapMailbox mailbox) {
        return open.filter(current -> current == mailbox).flatMap(unused -> selected);
    }

    /** Whether the selected mailbox keeps mod-sequences (RFC 7162). */
    public boolean keepsModSeqs() {
        return selected.filter(mailbox -> mailbox.highestModSeq().isPresent()).isPresent();
    }

    /** Another pass is to follow at once: messages vanished, or more changed meanwhile. */
    public void requestAnotherPass() {
        again = true;
    }

    public boolean anotherPassRequested() {
        return again;
    }

    /** If the UIDVALIDITY has changed, the mailbox has no cursor afterwards. */
    public SelectedMailbox select(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        SelectedMailbox selectedNow = selectWithoutCursor(mailbox, name);
        checkUidValidity(mailbox, selectedNow);
        return selectedNow;
    }

    /** For a mailbox whose UIDs are not stored: its UIDVALIDITY does not matter. */
    public SelectedMailbox selectWithoutCursor(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        close();
        SelectedMailbox selectedNow =
                Await.of(connection.select(name, true), COMMAND_TIME_MAX, ServerException::unreachable);
        opened(mailbox, selectedNow);
        return selectedNow;
    }

    /**
     * What a SELECT with QRESYNC reported.
     *
     * @param vanished may name UIDs that never existed
     * @param flags the number of known messages whose flags were reported
     * @param complete whether, according to the server, nothing else has changed
     */
    record ResyncResult(SelectedMailbox mailbox, UidSet vanished, long flags, boolean complete) {}

    /** Publishes flag changes as they arrive. What vanished is returned, because the caller knows which messages existed. */
    ResyncResult resync(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        close();
        Resync since = new Resync(cursor.uidValidity(), cursor.highestModSeq().orElseThrow(), List.of());
        UidSet vanished = UidSet.EMPTY;
        long flags = 0;
        UidSet read = ImapStates.read(cursor);
        Optional<Resynced.Selected> end = Optional.empty();
        HeldBytes.Share waiting = connection.keeping();
        try (HeldBytes.Share vanishedBytes = connection.keeping();
                BoundedPull<Resynced> reported = BoundedPull.of(
                        connection.resync(name, true, since),
                        ReadAhead.<Resynced>ofBytes(STATES_BYTES_AHEAD, Resynced::bytes)
                                .counted(waiting::set, connection::isMemoryTight))) {
            for (Optional<Resynced> next = reported.next(); next.isPresent(); next = reported.next()) {
                switch (next.get()) {
                    case Resynced.Vanished(List<UidRange> uids) -> {
                        vanished = vanished.or(UidSet.of(uids));
                        vanishedBytes.set(vanished.bytes());
                        if (vanished.ranges().size() > VANISHED_RANGES_MAX) {
                            throw new ServerException(
                                    new ServerFailure.LimitExceeded("the server exceeded a limit: more than "
                                            + VANISHED_RANGES_MAX + " ranges of UIDs that vanished from a mailbox"));
                        }
                    }
                    case Resynced.StateReported state -> {
                        if (read.contains(state.uid())) {
                            flags++;
                            out.add(ImapStates.state(
                                    mailbox.key(),
                                    cursor.uidValidity(),
                                    state.uid(),
                                    ImapFlag.keywords(state.flags()),
                                    state.modSeq()));
                        }
                    }
                    case Resynced.Selected selectedNow -> end = Optional.of(selectedNow);
                }
            }
        }
        Resynced.Selected selectedNow = end.orElseThrow(() -> new ServerException(
                new ServerFailure.Unreachable("the server opened a mailbox without reporting its state")));
        opened(mailbox, selectedNow.mailbox());
        checkUidValidity(mailbox, selectedNow.mailbox());
        return new ResyncResult(selectedNow.mailbox(), vanished, flags, selectedNow.complete());
    }

    /** Messages of the selected mailbox. At most {@code bytesAhead} of them, and one message, wait here. */
    public BoundedPull<FetchedMessage> fetch(UidSet uids, FetchItems items, long bytesAhead) {
        HeldBytes.Share waiting = connection.keeping();
        return BoundedPull.of(
                connection.uidFetch(uids.ranges(), items),
                ReadAhead.<FetchedMessage>ofBytes(bytesAhead, FetchedMessage::bytes)
                        .counted(waiting::set, connection::isMemoryTight));
    }

    /** The same for what is small: flags and ids. */
    public BoundedPull<FetchedMessage> fetch(UidSet uids, FetchItems items) {
        return fetch(uids, items, STATES_BYTES_AHEAD);
    }

    /** All UIDs of the selected mailbox that the server lists. */
    public UidSet listed(SelectedMailbox as) throws InterruptedException {
        return new UidListing(account, connection).read(as.uidNext().orElse(1));
    }

    /** Those of the UIDs that the server lists in the selected mailbox. */
    public UidSet existing(UidSet uids) throws InterruptedException {
        return new UidListing(account, connection).existing(uids);
    }

    private void opened(ImapMailbox mailbox, SelectedMailbox as) {
        selected = Optional.of(as);
        open = Optional.of(mailbox);
        mailbox.refusals().opened();
    }

    private void checkUidValidity(ImapMailbox mailbox, SelectedMailbox as) throws InterruptedException {
        long uidValidity = as.uidValidity().orElse(0);
        if (mailbox.cursor().isPresent() && mailbox.cursor().get().uidValidity() != uidValidity) {
            publishReset(mailbox, uidValidity);
        }
    }

    private void close() throws InterruptedException {
        publishUnsolicited();
        open = Optional.empty();
        selected = Optional.empty();
    }

    /**
     * Ends the pass on this connection. Of a mailbox that stayed selected, the next LIST would report what this connection last saw instead
     * of its present state (Dovecot; RFC 9051 section 6.3.11 warns of STATUS).
     */
    public void unselect() throws InterruptedException {
        close();
        if (connection.selectedName().isPresent()) {
            Await.of(connection.unselect(), COMMAND_TIME_MAX, ServerException::unreachable);
        }
    }

    public void publishReset(ImapMailbox mailbox, long uidValidity) throws InterruptedException {
        out.add(new Observation.MailboxReset(mailbox.key(), uidValidity));
        mailbox.uidValidityChanged();
        again = true;
    }

    public void publishCursor(ImapMailbox mailbox, Cursor.Imap cursor) throws InterruptedException {
        mailbox.moveCursor(cursor);
        out.add(new Observation.ScopeSynced(mailbox.scope(), cursor));
    }

    public void publishVanished(ImapMailbox mailbox, long uidValidity, UidSet uids) throws InterruptedException {
        List<UidRange> ranges = uids.ranges();
        for (int from = 0; from < ranges.size(); from += RANGES_MAX) {
            out.add(new Observation.UidsVanished(
                    mailbox.key(), uidValidity, ranges.subList(from, Math.min(ranges.size(), from + RANGES_MAX))));
            again = true;
        }
    }

    /** Publishes or records what the server reported unasked about the selected mailbox. */
    public void publishUnsolicited() throws InterruptedException {
        List<MailboxChange> changes = connection.takeChanges();
        if (open.isEmpty() || open.get().cursor().isEmpty()) {
            return;
        }
        ImapMailbox mailbox = open.get();
        Cursor.Imap cursor = mailbox.cursor().orElseThrow();
        for (MailboxChange change : changes) {
            switch (change) {
                case MailboxChange.Exists exists -> again |= isMore(mailbox, exists.messages());
                case MailboxChange.Vanished vanished -> {
                    publishVanished(mailbox, cursor.uidValidity(), UidSet.of(vanished.uids()));
                    mailbox.countIsUncertain();
                }
                case MailboxChange.Expunged expunged -> {
                    mailbox.countIsUncertain();
                    again = true;
                }
                case MailboxChange.FlagsReported flags -> mailbox.flagChecks().markDirty();
                case MailboxChange.TooMany tooMany -> {
                    mailbox.countIsUncertain();
                    mailbox.flagChecks().markDirty();
                }
            }
        }
    }

    private static boolean isMore(ImapMailbox mailbox, long messages) {
        return mailbox.known().isPresent() && messages > mailbox.known().getAsLong();
    }

    /** Runs a step for one mailbox. If the server refuses that mailbox, the others are synced all the same. */
    public void unlessRefused(ImapMailbox mailbox, Step step) throws InterruptedException {
        try {
            step.run();
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            LOG.infof(
                    "account %s: a mailbox is refused: %s", account, e.failure().text());
            mailbox.refusals().refused(now);
            // Messages of it that were published before the refusal were not counted.
            mailbox.countIsUncertain();
            open = Optional.empty();
            selected = Optional.empty();
        }
    }
}
