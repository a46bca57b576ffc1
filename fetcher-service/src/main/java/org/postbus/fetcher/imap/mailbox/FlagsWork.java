package org.postbus.fetcher.imap.mailbox;

import java.util.Optional;
import java.util.OptionalLong;

/** How the flags of messages that are known are brought up to date in a mailbox that is open. */
sealed interface FlagsWork {

    /** No flag has changed. */
    record Nothing() implements FlagsWork {}

    /** The server says which have (RFC 7162 section 3.1.4.1). */
    record ChangedSince(long modSeq) implements FlagsWork {}

    /**
     * One by one with what the database has.
     *
     * @param all or only the newest
     */
    record Compare(boolean all) implements FlagsWork {}

    /**
     * Mod-sequences help between two that can be compared. Where one is missing, or the server has fallen behind the one that it
     * gave before (it was restored, or is another one now), everything is compared once, and the new one is where the next
     * look begins.
     *
     * @param before of the cursor
     * @param now of the open mailbox
     * @param full trust neither
     * @param allDue where there are none: whether it is time to compare all and not only the newest
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
