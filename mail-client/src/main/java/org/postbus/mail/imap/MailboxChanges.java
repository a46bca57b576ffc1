package org.postbus.mail.imap;

import java.util.ArrayList;
import java.util.List;

/** The changes that nobody has asked for yet. Written by the event loop, taken by any thread. */
final class MailboxChanges {
    private final int max;
    private List<MailboxChange> changes = new ArrayList<>();

    MailboxChanges(int max) {
        this.max = max;
    }

    synchronized void add(MailboxChange change) {
        if (change instanceof MailboxChange.Exists
                && !changes.isEmpty()
                && changes.getLast() instanceof MailboxChange.Exists) {
            changes.removeLast();
        }
        if (changes.size() < max) {
            changes.add(change);
        } else {
            changes = new ArrayList<>(List.of(new MailboxChange.TooMany()));
        }
    }

    synchronized boolean isEmpty() {
        return changes.isEmpty();
    }

    synchronized void clear() {
        changes = new ArrayList<>();
    }

    synchronized List<MailboxChange> take() {
        List<MailboxChange> taken = List.copyOf(changes);
        changes = new ArrayList<>();
        return taken;
    }
}
