package org.postbus.fetcher.imap;

import java.util.HashSet;
import java.util.Set;
import org.postbus.mail.imap.grammar.MailboxName;

/**
 * The mailboxes that the watcher knows to have changed and that no pass has read since.
 *
 * @param every more changed than the server could report
 */
record DirtyMailboxes(Set<String> rawNames, boolean every) {
    static final DirtyMailboxes NONE = new DirtyMailboxes(Set.of(), false);

    /** More names than that are every mailbox. */
    static final int NAMES_MAX = 1000;

    DirtyMailboxes {
        every |= rawNames.size() > NAMES_MAX;
        rawNames = every ? Set.of() : Set.copyOf(rawNames);
    }

    boolean contains(MailboxName name) {
        return every || rawNames.contains(name.raw());
    }

    DirtyMailboxes and(DirtyMailboxes others) {
        Set<String> both = new HashSet<>(rawNames);
        both.addAll(others.rawNames);
        return new DirtyMailboxes(both, every || others.every);
    }
}
