package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.fetcher.store.MailboxSnapshot;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.ReadFailures;
import org.postbus.observation.SyncScope;

/**
 * What has been published of one mailbox under the present claim, or was stored before it: its cursor, how many messages are known, and which
 * could not be read. Belongs to the account's loop, except {@link NotRead}.
 */
public final class ImapMailbox {
    private ObservedMailbox observed;
    private Optional<Cursor.Imap> cursor;
    private OptionalLong known;
    private final NotRead notRead;
    private OptionalLong highestListed = OptionalLong.empty();
    private final FlagChecks flagChecks = new FlagChecks();
    private final Refusals refusals = new Refusals();
    private boolean statusModSeqUsable = true;
    private LabelCheck labelCheck;

    private ImapMailbox(
            ObservedMailbox observed,
            Optional<Cursor.Imap> cursor,
            OptionalLong known,
            Map<Long, ReadFailures> notRead) {
        this.observed = observed;
        this.cursor = cursor;
        this.known = known;
        this.notRead = new NotRead(notRead);
        this.labelCheck = new LabelCheck(
                cursor.map(at -> new StatusNumbers(at.uidValidity(), at.uidNext(), observed.totalEmails())), false);
    }

    /** A mailbox as it was stored when the account was claimed. */
    public static ImapMailbox stored(MailboxSnapshot mailbox) {
        long messages = mailbox.messages() + mailbox.notRead().size();
        return new ImapMailbox(mailbox.observed(), mailbox.cursor(), OptionalLong.of(messages), mailbox.notRead());
    }

    /** A mailbox that was listed for the first time. */
    public static ImapMailbox fresh(ObservedMailbox observed) {
        return new ImapMailbox(observed, Optional.empty(), OptionalLong.of(0), Map.of());
    }

    public MailboxSnapshot snapshot() {
        return new MailboxSnapshot(observed, cursor, known.orElse(0), notRead.all());
    }

    // ---- What the server said of the mailbox itself

    public ObservedMailbox observed() {
        return observed;
    }

    public MailboxKey key() {
        return observed.key();
    }

    public SyncScope scope() {
        return SyncScope.ofMailbox(key());
    }

    public Optional<MailboxName> name() {
        return observed.rawName().map(MailboxName::new);
    }

    /** It was listed again, perhaps under another name and key. */
    public void listed(ObservedMailbox as) {
        if (!observed.rawName().equals(as.rawName())) {
            refusals.opened();
        }
        observed = as;
    }

    // ---- The cursor

    public Optional<Cursor.Imap> cursor() {
        return cursor;
    }

    /** Whether its initial sync has ended. */
    public boolean isBackfilled() {
        return cursor.map(Cursor.Imap::backfilled).orElse(false);
    }

    public void moveCursor(Cursor.Imap to) {
        cursor = Optional.of(to);
    }

    /** All its UIDs are void: nothing is known of its messages any more. */
    public void uidValidityChanged() {
        cursor = Optional.empty();
        known = OptionalLong.of(0);
        highestListed = OptionalLong.empty();
        notRead.remove(uid -> true);
    }

    /** Nothing that is known of its messages is trusted any more; those that could not be read are to be tried again. */
    public void distrust() {
        notRead.makeDue(uid -> true);
        known = OptionalLong.empty();
    }

    // ---- How many messages are known

    /** Messages below the cursor's UIDNEXT that are known, those that could not be read among them; empty if some vanished and it is not known how many. */
    public OptionalLong known() {
        return known;
    }

    public void knows(long messages) {
        known = OptionalLong.of(messages);
    }

    public void knowsMore(long messages) {
        if (known.isPresent()) {
            known = OptionalLong.of(known.getAsLong() + messages);
        }
    }

    public void countIsUncertain() {
        known = OptionalLong.empty();
    }

    /** The server listed this UID. It may lie beyond the UIDNEXT that the server reports. */
    public void listedUpTo(long uid) {
        highestListed = OptionalLong.of(Math.max(uid, highestListed.orElse(0)));
    }

    /** The highest UID that was listed; empty if none was. */
    public OptionalLong highestListed() {
        return highestListed;
    }

    /** Whether a message was listed that is new. */
    public boolean listsNew() {
        return cursor.isPresent() && highestListed.orElse(0) >= cursor.get().uidNext();
    }

    /** Messages that exist and could not be read. */
    public NotRead notRead() {
        return notRead;
    }

    // ---- Checks

    /** When flags were compared one by one, for servers without mod-sequences. */
    public FlagChecks flagChecks() {
        return flagChecks;
    }

    /** Whether the server refuses it. */
    public Refusals refusals() {
        return refusals;
    }

    /** False if STATUS gives a mod-sequence but SELECT gives none: the mailbox keeps none, and that of STATUS has no meaning. */
    public boolean statusModSeqUsable() {
        return statusModSeqUsable;
    }

    public void statusModSeqUsable(boolean usable) {
        statusModSeqUsable = usable;
    }

    public LabelCheck labelCheck() {
        return labelCheck;
    }

    public void distrustLabel() {
        labelCheck = new LabelCheck(Optional.empty(), labelCheck.seen());
    }

    public void labelChecked(StatusNumbers numbers) {
        labelCheck = new LabelCheck(Optional.of(numbers), true);
    }

    /**
     * Of a mailbox that is a Gmail label.
     *
     * @param agreed what its STATUS said when the emails that have it were last found to be those stored
     * @param seen whether that was seen under this claim
     */
    public record LabelCheck(Optional<StatusNumbers> agreed, boolean seen) {}

    /** When the flags of a mailbox without mod-sequences were compared with those stored. */
    public static final class FlagChecks {
        private static final Duration RECENT_EVERY = Duration.ofMinutes(2);
        private static final Duration ALL_EVERY = Duration.ofMinutes(30);

        private boolean dirty;
        private Instant recentComparedAt = Instant.EPOCH;
        private Instant allComparedAt = Instant.EPOCH;
        private UidSet changedByUs = UidSet.EMPTY;

        /** The server reported a flag change without the message, or IDLE reported something. */
        void markDirty() {
            dirty = true;
        }

        /** Mutations were applied to these messages, and this pass is to see their effect. */
        public void changedByUs(UidSet uids) {
            changedByUs = changedByUs.or(uids);
        }

        UidSet takeChangedByUs() {
            UidSet taken = changedByUs;
            changedByUs = UidSet.EMPTY;
            return taken;
        }

        /** Whether the flags of the newest messages are to be compared. */
        public boolean recentDue(Instant now) {
            return dirty
                    || !changedByUs.isEmpty()
                    || !recentComparedAt.plus(RECENT_EVERY).isAfter(now);
        }

        /** Whether the flags of all messages are to be compared. */
        boolean allDue(Instant now) {
            return !allComparedAt.plus(ALL_EVERY).isAfter(now);
        }

        void compared(boolean all, Instant now) {
            dirty = false;
            recentComparedAt = now;
            if (all) {
                allComparedAt = now;
            }
        }

        /** The initial sync begins: all flags are read with their messages. */
        public void initialSyncBegan(Instant now) {
            recentComparedAt = now;
            allComparedAt = now;
        }
    }
}
