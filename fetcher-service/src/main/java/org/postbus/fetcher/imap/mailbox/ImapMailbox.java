package org.postbus.fetcher.imap.mailbox;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.ObservedMailbox;
import org.postbus.event.SyncScope;
import org.postbus.fetcher.imap.gmail.LabelAudit;
import org.postbus.fetcher.store.MailboxSnapshot;

/** What has been published of one mailbox under the present claim, or was stored before it. Belongs to the account's loop. */
public final class ImapMailbox {
    private static final Duration REFUSED_PAUSE_MIN = Duration.ofSeconds(30);
    private static final Duration REFUSED_PAUSE_MAX = Duration.ofMinutes(15);

    public ObservedMailbox observed;
    public Optional<Cursor.Imap> cursor;
    /** Messages below the cursor's UIDNEXT that are known; empty when the server said that some went but not which. */
    public OptionalLong known;
    /** The server reported a flag without saying whose, or IDLE reported something. */
    public boolean flagsSuspect;
    /** The last time that the flags of recent messages, and of all, were compared one by one. */
    public Instant recentComparedAt = Instant.EPOCH;

    public Instant allComparedAt = Instant.EPOCH;
    /** STATUS gives a mod-sequence, SELECT none: then it means nothing. */
    public boolean modSeqOfStatusMeansNothing;
    /** The server lists the mailbox but refuses it; until then it is left alone. */
    public Instant refusedUntil = Instant.EPOCH;

    /** Of a label: what its STATUS said when the emails in it were last found to be ours. */
    public Optional<LabelAudit.Members> agreed = Optional.empty();
    /** Of a label: whether that was seen under this claim. */
    public boolean labelCounted;

    private int refusals;
    /** Messages that the server lists but does not hand out. They are asked for again in a full pass only. */
    public final Set<Long> withheld = ConcurrentHashMap.newKeySet();

    private ImapMailbox(ObservedMailbox observed, Optional<Cursor.Imap> cursor, OptionalLong known) {
        this.observed = observed;
        this.cursor = cursor;
        this.known = known;
    }

    public static ImapMailbox known(MailboxSnapshot mailbox) {
        long messages = mailbox.messages() + mailbox.quarantined().size();
        ImapMailbox known = new ImapMailbox(mailbox.observed(), mailbox.cursor(), OptionalLong.of(messages));
        known.withheld.addAll(mailbox.quarantined());
        known.agreed = mailbox.cursor()
                .map(cursor -> new LabelAudit.Members(
                        cursor.uidValidity(),
                        cursor.uidNext(),
                        mailbox.observed().totalEmails()));
        return known;
    }

    public static ImapMailbox fresh(ObservedMailbox observed) {
        return new ImapMailbox(observed, Optional.empty(), OptionalLong.of(0));
    }

    public MailboxKey key() {
        return observed.key();
    }

    public SyncScope scope() {
        return SyncScope.ofMailbox(key());
    }

    public MailboxSnapshot asKnown() {
        return new MailboxSnapshot(observed, cursor, known.orElse(0), withheld);
    }

    /** Forgets everything: the server renumbered it. */
    public void renumbered() {
        cursor = Optional.empty();
        known = OptionalLong.of(0);
        withheld.clear();
    }

    /**
     * Once is nothing: it was renamed or deleted after it was listed, and the next LIST says so. A mailbox that is refused
     * again and again is a phantom, and is tried more and more seldom.
     */
    public void refused(Instant now) {
        refusals++;
        if (refusals > 1) {
            Duration pause = REFUSED_PAUSE_MIN.multipliedBy(1L << Math.min(refusals - 2, 10));
            refusedUntil = now.plus(pause.compareTo(REFUSED_PAUSE_MAX) > 0 ? REFUSED_PAUSE_MAX : pause);
        }
    }

    /** Nothing that was put aside stays so without another try. */
    public void trustNothing() {
        withheld.clear();
        known = OptionalLong.empty();
    }

    public void opened() {
        refusals = 0;
        refusedUntil = Instant.EPOCH;
    }

    public void saw(long messages) {
        if (known.isPresent()) {
            known = OptionalLong.of(known.getAsLong() + messages);
        }
    }
}
