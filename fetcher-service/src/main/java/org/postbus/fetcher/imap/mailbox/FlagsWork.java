package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.OptionalLong;

/** How the flags of known messages are brought up to date in a selected mailbox. Pure. */
sealed interface FlagsWork {

    /** No flag has changed. */
    record Nothing() implements FlagsWork {}

    /** The server reports which have (RFC 7162 section 3.1.4.1). */
    record ChangedSince(long modSeq) implements FlagsWork {}

    /**
     * Compare them one by one with those stored.
     *
     * @param all or only those of the newest messages
     */
    record Compare(boolean all) implements FlagsWork {}

    /**
     * Two mod-sequences are needed to ask for changes. Where one is missing, or the server's is smaller than before (it was restored from a
     * backup or replaced), everything is compared once, and the new mod-sequence is the baseline of the next pass.
     *
     * @param before of the cursor
     * @param now of the selected mailbox
     * @param full trust neither
     * @param allDue where there are none: whether all are due to be compared and not only the newest
     */
    static FlagsWork of(Optional<Long> before, OptionalLong now, boolean full, boolean allDue) {
        if (before.isEmpty() && now.isEmpty()) {
            return new Compare(full || allDue);
        }
        if (full || before.isEmpty() || now.isEmpty() || now.getAsLong() < before.get()) {
            return new Compare(true);
        }
        return now.getAsLong() == before.get() ? new Nothing() : new ChangedSince(before.get());
    }
}
