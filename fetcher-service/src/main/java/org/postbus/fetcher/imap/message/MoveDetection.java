package org.postbus.fetcher.imap.message;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.fetcher.imap.mailbox.FlagAndExpungeResync;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.store.StoredImapState.CopyMarks;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.observation.MailboxKey;

/**
 * Distinguishes messages that are being moved from copies. Clients that do not know MOVE copy a message and then expunge the original, and even
 * a server that knows it may show both for a moment; a watched mailbox wakes the pass just then. So a message that is older than its arrival and
 * has the date and size of a stored one is held back until the mailbox of that one has been resynced. If the original vanished, the message is
 * found at its new location and keeps its id; otherwise there are two.
 *
 * <p>Only in an account whose initial sync has ended: before that nothing has been published twice. Belongs to one pass.
 */
public final class MoveDetection {
    /** Between the two halves of a move, by a client on a slow connection. */
    static final Duration GRACE = Duration.ofSeconds(1);
    /** A message that was just delivered is no copy. The server's clock may differ by this much. */
    private static final Duration FRESH = Duration.ofSeconds(5);
    /** Bytes of messages that are held back at once; messages beyond that are published as they arrive. */
    private static final long HELD_BYTES_MAX = 4L * 1024 * 1024;

    private final ImapPassContext pass;
    private final FlagAndExpungeResync resync;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final boolean enabled;
    private final List<CopyMarks> held = new ArrayList<>();
    private long heldBytes;
    private boolean waited;

    /** @param enabled whether the account's initial sync has ended */
    public MoveDetection(
            ImapPassContext pass,
            FlagAndExpungeResync resync,
            Map<MailboxKey, ImapMailbox> mailboxes,
            boolean enabled) {
        this.pass = pass;
        this.resync = resync;
        this.mailboxes = mailboxes;
        this.enabled = enabled;
    }

    /** Whether the message may be a copy; it must then be published only after {@link #settle}. */
    boolean holdsBack(FetchedMessage message) {
        boolean hasServerId = message.emailId().isPresent() || message.gmail().isPresent();
        Optional<Instant> receivedAt = message.internalDate();
        if (!enabled
                || hasServerId
                || receivedAt.isEmpty()
                || receivedAt.get().isAfter(pass.now().minus(FRESH))
                || message.size().isEmpty()
                // What is held is counted, not the size that the server names.
                || heldBytes + message.bytes() > HELD_BYTES_MAX) {
            return false;
        }
        heldBytes += message.bytes();
        held.add(new CopyMarks(receivedAt.get(), storedSize(message)));
        return true;
    }

    /** As {@link FetchedEmails} stores it: what was sent, if that is the whole message, whatever RFC822.SIZE says. */
    private static long storedSize(FetchedMessage message) {
        return message.body()
                .filter(body -> body.length < MessageFetch.FIRST_BYTES)
                .map(body -> (long) body.length)
                .orElseGet(() -> message.size().getAsLong());
    }

    /** Resyncs the mailboxes of the likely originals. The mailbox that is being read is selected again afterwards. */
    void settle(ImapMailbox reading) throws InterruptedException {
        if (held.isEmpty()) {
            return;
        }
        Set<MailboxKey> originals = pass.stored().mailboxesOfLikelyOriginals(held);
        held.clear();
        heldBytes = 0;
        originals.remove(reading.key());
        if (originals.isEmpty()) {
            return;
        }
        if (!waited) {
            // Only time can be waited for: no event reports that the second half of a move does not follow.
            Thread.sleep(GRACE);
            waited = true;
        }
        for (MailboxKey key : originals) {
            ImapMailbox mailbox = mailboxes.get(key);
            if (mailbox != null
                    && mailbox.cursor().isPresent()
                    && mailbox.name().isPresent()) {
                pass.session()
                        .unlessRefused(
                                mailbox,
                                () -> resync.run(mailbox, mailbox.name().get()));
            }
        }
        pass.session().select(reading, reading.name().orElseThrow());
    }
}
