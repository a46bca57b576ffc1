package org.postbus.mail.imap.session;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.mail.imap.grammar.MailboxName;

/**
 * Changes of the account that have not been taken yet, one of each kind for a mailbox. Written by the event loop,
 * taken by any thread.
 */
public final class AccountChanges {
    private record Key(MailboxName name, boolean listed) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byName = name.compareTo(other.name);
            return byName == 0 ? Boolean.compare(listed, other.listed) : byName;
        }
    }

    private final int max;
    private final long bytesMax;
    private Map<Key, AccountChange> changes = new LinkedHashMap<>();
    private boolean tooMany;
    private long bytesHeld;

    public AccountChanges(int max, long bytesMax) {
        this.max = max;
        this.bytesMax = bytesMax;
    }

    /** @param bytes of memory that it takes, about */
    synchronized void add(AccountChange change, long bytes) {
        bytesHeld += bytes;
        switch (change) {
            case AccountChange.Dirty dirty -> put(new Key(dirty.name(), false), dirty);
            case AccountChange.Listed listed -> put(new Key(listed.mailbox().name(), true), listed);
            case AccountChange.TooMany more -> forget();
        }
    }

    private void put(Key key, AccountChange change) {
        if (tooMany) {
            return;
        }
        // The order of what happened to one mailbox is kept: renamed after created.
        changes.remove(key);
        changes.put(key, change);
        if (changes.size() > max || bytesHeld > bytesMax) {
            forget();
        }
    }

    private void forget() {
        changes = new LinkedHashMap<>();
        tooMany = true;
    }

    /** About how many bytes of memory the changes take. */
    synchronized long bytes() {
        return tooMany ? 0 : bytesHeld;
    }

    public synchronized boolean isEmpty() {
        return changes.isEmpty() && !tooMany;
    }

    public synchronized List<AccountChange> take() {
        List<AccountChange> taken = tooMany ? List.of(new AccountChange.TooMany()) : new ArrayList<>(changes.values());
        changes = new LinkedHashMap<>();
        tooMany = false;
        bytesHeld = 0;
        return List.copyOf(taken);
    }
}
