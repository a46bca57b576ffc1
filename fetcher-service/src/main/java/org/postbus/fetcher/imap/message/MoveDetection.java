package org.postbus.fetcher.imap.message;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.fetcher.imap.mailbox.FlagAndExpungeResync;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.store.StoredImapState.CopyMarks;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.observation.MailboxKey;

/**
 * Distinguishes messages that are being moved from copies. Clients that do not know MOVE copy a message and then expunge the original, and even
 * a server that knows it may show both for a moment; a watched mailbox wakes the pass just then. So a message that is older than its arrival and
 * has the date and size of a message stored in another mailbox is held back until that mailbox has been resynced. If the original vanished, the
 * message is found at its new location and keeps its id; otherwise there are two.
 *
 * <p>It applies from the first message on: an initial sync takes hours, and what is moved meanwhile to a mailbox that is read later must keep its
 * id too. Belongs to one pass.
 */
public final class MoveDetection {
    /** Between the two halves of a move, by a client on a slow connection. */
    static final Duration GRACE = Duration.ofSeconds(1);
    /** A message that was just delivered is no copy. The server's clock may differ by this much. */
    private static final Duration FRESH = Duration.ofSeconds(5);
    /** Bytes of messages that are held back at once; messages beyond that are published as they arrive. */
    private static final long HELD_BYTES_MAX = 4L * 1024 * 1024;
    /** Messages, and bytes of them, whose likely originals are looked for together. */
    private static final int UNDECIDED_MAX = 256;

    private static final long UNDECIDED_BYTES_MAX = 1024 * 1024;

    private final ImapPassContext pass;
    private final FlagAndExpungeResync resync;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final boolean expungesOnly;
    private final List<CopyMarks> undecided = new ArrayList<>();
    private final Set<MailboxKey> originals = new HashSet<>();
    private long undecidedBytes;
    private long heldBytes;
    private boolean waited;
    /** Null before the first. */
    private ImapMailbox current;
    /** Of the current mailbox: whether any message of another one is known, or may be. */
    private boolean othersKnown;
    /** Whether what was published of other mailboxes than the current one is stored. */
    private boolean othersStored;

    /**
     * @param expungesOnly of the mailboxes of likely originals only the expunged messages are found: the initial sync of an account with many
     *     copies must not compare flags for each of them
     */
    public MoveDetection(
            ImapPassContext pass,
            FlagAndExpungeResync resync,
            Map<MailboxKey, ImapMailbox> mailboxes,
            boolean expungesOnly) {
        this.pass = pass;
        this.resync = resync;
        this.mailboxes = mailboxes;
        this.expungesOnly = expungesOnly;
    }

    /** What identifies the message among possible originals; empty if it is no copy, or no more messages can be held back. */
    Optional<CopyMarks> marks(ImapMailbox reading, FetchedMessage message) {
        boolean hasServerId = message.emailId().isPresent() || message.gmail().isPresent();
        Optional<Instant> receivedAt = message.internalDate();
        if (hasServerId
                || receivedAt.isEmpty()
                || receivedAt.get().isAfter(pass.now().minus(FRESH))
                || message.size().isEmpty()
                // What is held is counted, not the size that the server names.
                || heldBytes + undecidedBytes + message.bytes() > HELD_BYTES_MAX
                || !areOthersKnown(reading)) {
            return Optional.empty();
        }
        CopyMarks marks = new CopyMarks(receivedAt.get(), storedSize(message));
        undecidedBytes += message.bytes();
        undecided.add(marks);
        return Optional.of(marks);
    }

    private boolean areOthersKnown(ImapMailbox reading) {
        if (current != reading) {
            current = reading;
            othersKnown = mailboxes.values().stream()
                    .anyMatch(mailbox -> mailbox != reading && mailbox.known().orElse(1) > 0);
            othersStored = false;
        }
        return othersKnown;
    }

    boolean isLookingDue() {
        return undecided.size() >= UNDECIDED_MAX || undecidedBytes >= UNDECIDED_BYTES_MAX;
    }

    /** Of the marks given since the last call, those with a likely original in another mailbox. They are held back until {@link #settle}. */
    Set<CopyMarks> likelyCopies(ImapMailbox reading) throws InterruptedException {
        if (undecided.isEmpty()) {
            return Set.of();
        }
        if (!othersStored) {
            // It may be the original. Not for each look: the writer stores this mailbox while it is read.
            pass.out().awaitApplied();
            othersStored = true;
        }
        Map<CopyMarks, Set<MailboxKey>> found = pass.stored().likelyOriginals(undecided, reading.key());
        found.values().forEach(originals::addAll);
        undecided.clear();
        undecidedBytes = 0;
        return found.keySet();
    }

    /** A likely copy, of that many bytes, is held back. */
    void holding(long bytes) {
        heldBytes += bytes;
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
        heldBytes = 0;
        if (originals.isEmpty()) {
            return;
        }
        List<MailboxKey> keys = List.copyOf(originals);
        originals.clear();
        if (!waited) {
            // Only time can be waited for: no event reports that the second half of a move does not follow.
            Thread.sleep(GRACE);
            waited = true;
        }
        for (MailboxKey key : keys) {
            ImapMailbox mailbox = mailboxes.get(key);
            if (mailbox != null
                    && mailbox.cursor().isPresent()
                    && mailbox.name().isPresent()) {
                pass.session()
                        .unlessRefused(
                                mailbox, () -> resync(mailbox, mailbox.name().get()));
            }
        }
        pass.session().select(reading, reading.name().orElseThrow());
    }

    private void resync(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        if (expungesOnly) {
            resync.expungesOnly(mailbox, name);
        } else {
            resync.run(mailbox, name);
        }
    }
}
