package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.List;

/** Changes of the selected mailbox that have not been taken yet. Written by the event loop, taken by any thread. */
public final class MailboxChanges {
    private final int max;
    private final long octetsMax;
    private List<MailboxChange> changes = new ArrayList<>();

    private long octetsHeld;

    public MailboxChanges(int max, long octetsMax) {
        this.max = max;
        this.octetsMax = octetsMax;
    }

    /** @param octets what it took on the connection */
    synchronized void add(MailboxChange change, long octets) {
        octetsHeld += octets;
        if (change instanceof MailboxChange.Exists
                && !changes.isEmpty()
                && changes.getLast() instanceof MailboxChange.Exists) {
            changes.removeLast();
        }
        if (changes.size() < max && octetsHeld <= octetsMax) {
            changes.add(change);
        } else {
            changes = new ArrayList<>(List.of(new MailboxChange.TooMany()));
        }
    }

    public synchronized boolean isEmpty() {
        return changes.isEmpty();
    }

    synchronized void clear() {
        changes = new ArrayList<>();
        octetsHeld = 0;
    }

    public synchronized List<MailboxChange> take() {
        List<MailboxChange> taken = List.copyOf(changes);
        changes = new ArrayList<>();
        octetsHeld = 0;
        return taken;
    }
}
