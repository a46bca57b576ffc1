package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jboss.logging.Logger;
import org.postbus.event.Cursor;
import org.postbus.event.Observation;
import org.postbus.event.UidRange;
import org.postbus.fetcher.imap.gmail.GmailLabels;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.Inflow;
import org.postbus.kit.concurrent.Await;
import org.postbus.fetcher.store.UidSet;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.model.AccountId;

/**
 * The connection of a pass, in one mailbox at a time. It opens mailboxes, publishes what the server says of the open one without
 * being asked, for it says so once (RFC 7162 section 3.2.10), and notes whether the pass must be followed by another.
 */
public final class MailboxSession {
    public static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(2);
    /** Ranges of one observation. */
    private static final int RANGES_MAX = 1000;
    /** Flag changes that wait to be published. */
    private static final int AHEAD_STATES = 200;

    private static final Logger LOG = Logger.getLogger(MailboxSession.class);

    private final AccountId account;
    private final ImapConnection connection;
    private final ObservationPublisher out;
    private final Instant now;
    private Optional<SelectedMailbox> selected = Optional.empty();
    private Optional<ImapMailbox> open = Optional.empty();
    private boolean again;
    private GmailLabels labels = GmailLabels.NONE;

    public MailboxSession(AccountId account, ImapConnection connection, ObservationPublisher out, Instant now) {
        this.account = account;
        this.connection = connection;
        this.out = out;
        this.now = now;
    }

    public ImapConnection connection() {
        return connection;
    }

    public GmailLabels labels() {
        return labels;
    }

    public void takeLabels(GmailLabels asListed) {
        labels = asListed;
    }

    /** What SELECT said of this mailbox, if it is the open one; still as it was when its numbers were read. */
    public Optional<SelectedMailbox> ifOpen(ImapMailbox mailbox) {
        return open.filter(current -> current == mailbox).flatMap(unused -> selected);
    }

    public boolean keepsModSeqs() {
        return selected.filter(mailbox -> mailbox.highestModSeq().isPresent()).isPresent();
    }

    /** Another pass is to follow at once: something went, or more has come. */
    public void lookAgain() {
        again = true;
    }

    public boolean isToLookAgain() {
        return again;
    }

    public SelectedMailbox select(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        close();
        return opened(mailbox, Await.of(connection.select(name, true), COMMAND_TIME_MAX, ServerException::unreachable));
    }

    /**
     * What a SELECT with QRESYNC told.
     *
     * @param vanished a predicate: it may name UIDs that never were
     * @param flags of how many messages that are known
     * @param complete whether, by the server's word, nothing else has changed
     */
    record Told(SelectedMailbox mailbox, UidSet vanished, long flags, boolean complete) {}

    /** Publishes the flags that changed, as they come; what vanished is for the caller, who knows what there was. */
    Told resync(ImapMailbox mailbox, MailboxName name, Cursor.Imap cursor) throws InterruptedException {
        close();
        Resync since = new Resync(cursor.uidValidity(), cursor.highestModSeq().orElseThrow(), List.of());
        UidSet vanished = UidSet.EMPTY;
        long flags = 0;
        Optional<Resynced.Selected> end = Optional.empty();
        try (Inflow<Resynced> told = Inflow.of(connection.resync(name, true, since), AHEAD_STATES)) {
            for (Optional<Resynced> next = told.next(); next.isPresent(); next = told.next()) {
                switch (next.get()) {
                    case Resynced.Vanished(List<UidRange> uids) -> vanished = vanished.or(UidSet.of(uids));
                    case Resynced.StateReported state -> {
                        if (state.uid() < cursor.uidNext()) {
                            flags++;
                            out.add(ImapObservations.state(
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
        Resynced.Selected selectedNow = end.orElseThrow(() ->
                new ServerException(new ServerFailure.Unreachable("a mailbox was opened, and nothing said of it")));
        return new Told(opened(mailbox, selectedNow.mailbox()), vanished, flags, selectedNow.complete());
    }

    private SelectedMailbox opened(ImapMailbox mailbox, SelectedMailbox as) throws InterruptedException {
        selected = Optional.of(as);
        open = Optional.of(mailbox);
        mailbox.opened();
        long uidValidity = as.uidValidity().orElse(0);
        if (mailbox.cursor.isPresent() && mailbox.cursor.get().uidValidity() != uidValidity) {
            renumbered(mailbox, uidValidity);
        }
        return as;
    }

    private void close() throws InterruptedException {
        takeChanges();
        open = Optional.empty();
        selected = Optional.empty();
    }

    /**
     * The next LIST would tell of an open mailbox what this connection last saw of it, not what is there (Dovecot; RFC 9051
     * section 6.3.11 warns of STATUS).
     */
    public void leave() throws InterruptedException {
        close();
        if (connection.selectedName().isPresent()) {
            Await.of(connection.unselect(), COMMAND_TIME_MAX, ServerException::unreachable);
        }
    }

    public void renumbered(ImapMailbox mailbox, long uidValidity) throws InterruptedException {
        out.add(new Observation.MailboxReset(mailbox.key(), uidValidity));
        mailbox.renumbered();
        again = true;
    }

    public void synced(ImapMailbox mailbox, Cursor.Imap cursor) throws InterruptedException {
        mailbox.cursor = Optional.of(cursor);
        out.add(new Observation.ScopeSynced(mailbox.scope(), cursor));
    }

    public void vanished(ImapMailbox mailbox, long uidValidity, UidSet gone) throws InterruptedException {
        List<UidRange> ranges = gone.ranges();
        for (int from = 0; from < ranges.size(); from += RANGES_MAX) {
            out.add(new Observation.UidsVanished(
                    mailbox.key(), uidValidity, ranges.subList(from, Math.min(ranges.size(), from + RANGES_MAX))));
            again = true;
        }
    }

    /** What the server said unasked about the mailbox that is open. */
    public void takeChanges() throws InterruptedException {
        List<MailboxChange> changes = connection.takeChanges();
        if (open.isEmpty() || open.get().cursor.isEmpty()) {
            return;
        }
        ImapMailbox mailbox = open.get();
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        for (MailboxChange change : changes) {
            switch (change) {
                case MailboxChange.Exists exists -> again |= isMore(mailbox, exists.messages());
                case MailboxChange.Vanished gone -> {
                    vanished(mailbox, cursor.uidValidity(), UidSet.of(gone.uids()));
                    mailbox.known = OptionalLong.empty();
                }
                case MailboxChange.Expunged gone -> {
                    mailbox.known = OptionalLong.empty();
                    again = true;
                }
                case MailboxChange.FlagsReported flags -> mailbox.flagsSuspect = true;
                case MailboxChange.TooMany tooMany -> {
                    mailbox.known = OptionalLong.empty();
                    mailbox.flagsSuspect = true;
                }
            }
        }
    }

    private static boolean isMore(ImapMailbox mailbox, long messages) {
        return mailbox.known.isPresent() && messages > mailbox.known.getAsLong();
    }

    @FunctionalInterface
    public interface Step {
        void run() throws InterruptedException;
    }

    /** One mailbox that cannot be opened (a phantom, or it went since LIST) does not stop the others. */
    public void unlessRefused(ImapMailbox mailbox, Step step) throws InterruptedException {
        try {
            step.run();
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            LOG.infof(
                    "account %s: a mailbox is refused: %s", account, e.failure().text());
            mailbox.refused(now);
            // What of it was published before is not counted.
            mailbox.known = OptionalLong.empty();
            open = Optional.empty();
            selected = Optional.empty();
        }
    }
}
