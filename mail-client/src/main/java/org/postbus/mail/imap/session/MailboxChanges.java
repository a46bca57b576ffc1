package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.List;

/** Changes of the selected mailbox that have not been taken yet. Written by the event loop, taken by any thread. */
public final class MailboxChanges {
    private final int max;
    private final long bytesMax;
    private List<MailboxChange> changes = new ArrayList<>();

    private long bytesHeld;
    private boolean dropped;

    public MailboxChanges(int max, long bytesMax) {
        this.max = max;
        this.bytesMax = bytesMax;
    }

    /** @param bytes of memory that it takes, about */
    synchronized void add(MailboxChange change, long bytes) {
        bytesHeld += bytes;
        if (change instanceof MailboxChange.Exists
                && !changes.isEmpty()
                && changes.getLast() instanceof MailboxChange.Exists) {
            changes.removeLast();
        }
        if (changes.size() < max && bytesHeld <= bytesMax) {
            changes.add(change);
        } else {
            changes = new ArrayList<>(List.of(new MailboxChange.TooMany()));
            dropped = true;
        }
    }

    /** About how many bytes of memory the changes take. */
    synchronized long bytes() {
        return dropped ? 0 : bytesHeld;
    }

    public synchronized boolean isEmpty() {
        return changes.isEmpty();
    }

    synchronized void clear() {
        changes = new ArrayList<>();
        dropped = false;
        bytesHeld = 0;
    }

    public synchronized List<MailboxChange> take() {
        List<MailboxChange> taken = List.copyOf(changes);
        changes = new ArrayList<>();
        dropped = false;
        bytesHeld = 0;
        return taken;
    }
}
