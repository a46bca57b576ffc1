package org.postbus.fetcher.imap.message;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.event.MailboxKey;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;

/**
 * Tells a message that is being moved from one that is copied. Clients that do not know MOVE copy a message and then delete the old one, and
 * even a server that knows it may show both for a moment; a watched mailbox wakes the pass just then. So a message that is older than its
 * arrival, and looks like one that lies elsewhere, is held back for a moment until the place where that one lay has been looked at again. If it has
 * gone from there, it is found under its new place and keeps its id; if not, there are two.
 *
 * <p>Only in an account that has been read whole: before that nobody is told of anything twice. Belongs to one pass.
 */
public final class MoveDetection {
    /** Between the two halves of a move, by a client on a slow line. */
    static final Duration GRACE = Duration.ofSeconds(1);
    /** A message that has just been delivered is no copy. The server's clock may be so much off. */
    private static final Duration FRESH = Duration.ofSeconds(5);
    /** Octets of messages that are held back at once; what comes after them is told as it comes. */
    private static final long HELD_OCTETS_MAX = 4L * 1024 * 1024;

    private final Claim claim;
    private final AccountTables tables;
    private final MailboxSession visit;
    private final FlagAndExpungeResync lookBack;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final boolean watching;
    private final Instant now;
    private final List<Arrival> held = new ArrayList<>();
    private long heldOctets;
    private boolean waited;

    /** @param watching whether the account has been read whole */
    public MoveDetection(
            Claim claim,
            AccountTables tables,
            MailboxSession visit,
            FlagAndExpungeResync lookBack,
            Map<MailboxKey, ImapMailbox> mailboxes,
            boolean watching,
            Instant now) {
        this.claim = claim;
        this.tables = tables;
        this.visit = visit;
        this.lookBack = lookBack;
        this.mailboxes = mailboxes;
        this.watching = watching;
        this.now = now;
    }

    /** What is compared of a message before its content is; INTERNALDATE and RFC822.SIZE stay with a message that is copied. */
    public record Arrival(Instant receivedAt, long size) {}

    /** Whether the message may be a copy; it is then to be told after {@link #settle} only. */
    boolean holds(FetchedMessage message) {
        boolean nameless = message.emailId().isEmpty() && message.gmail().isEmpty();
        Optional<Instant> receivedAt = message.internalDate();
        if (!watching
                || !nameless
                || receivedAt.isEmpty()
                || receivedAt.get().isAfter(now.minus(FRESH))
                || message.size().isEmpty()
                || heldOctets + message.size().getAsLong() > HELD_OCTETS_MAX) {
            return false;
        }
        heldOctets += message.size().getAsLong();
        held.add(new Arrival(receivedAt.get(), message.size().getAsLong()));
        return true;
    }

    /** Looks again where messages lie that those held back may be copies of. The mailbox that is being read is open again after it. */
    void settle(ImapMailbox reading) throws InterruptedException {
        if (held.isEmpty()) {
            return;
        }
        Set<MailboxKey> places = tables.placesOf(claim.tenantId(), claim.accountId(), held);
        held.clear();
        heldOctets = 0;
        places.remove(reading.key());
        if (places.isEmpty()) {
            return;
        }
        if (!waited) {
            // There is nothing to wait for but time: that the other half of a move does not come nobody tells.
            Thread.sleep(GRACE);
            waited = true;
        }
        for (MailboxKey place : places) {
            ImapMailbox mailbox = mailboxes.get(place);
            if (mailbox != null
                    && mailbox.cursor.isPresent()
                    && mailbox.observed.rawName().isPresent()) {
                MailboxName name = new MailboxName(mailbox.observed.rawName().get());
                visit.unlessRefused(mailbox, () -> lookBack.at(mailbox, name));
            }
        }
        visit.select(reading, new MailboxName(reading.observed.rawName().orElseThrow()));
    }
}
