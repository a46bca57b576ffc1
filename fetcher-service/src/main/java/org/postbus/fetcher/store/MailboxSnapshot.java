package org.postbus.fetcher.store;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.observation.Cursor;
import org.postbus.observation.ObservedMailbox;

/**
 * A mailbox as the server last showed it: as stored in the database, or as published since.
 *
 * @param observed {@code renamedFrom} is empty
 * @param cursor IMAP only; empty before its initial sync
 * @param messages IMAP only: how many UIDs of the cursor's UIDVALIDITY are linked
 * @param quarantined IMAP only: UIDs of the cursor's UIDVALIDITY that could not be read; not among {@code messages}
 */
public record MailboxSnapshot(
        ObservedMailbox observed, Optional<Cursor.Imap> cursor, long messages, Set<Long> quarantined) {
    public MailboxSnapshot {
        Objects.requireNonNull(observed);
        Objects.requireNonNull(cursor);
        quarantined = Set.copyOf(quarantined);
    }
}
