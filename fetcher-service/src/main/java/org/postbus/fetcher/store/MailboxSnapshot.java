package org.postbus.fetcher.store;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.observation.Cursor;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.ReadFailures;

/**
 * A mailbox as the server last showed it: as stored in the database, or as published since.
 *
 * @param observed {@code renamedFrom} is empty
 * @param cursor IMAP only; empty before its initial sync
 * @param messages IMAP only: how many UIDs of the cursor's UIDVALIDITY are linked
 * @param notRead IMAP only: messages of the cursor's UIDVALIDITY that could not be read, by UID; not among {@code messages}
 */
public record MailboxSnapshot(
        ObservedMailbox observed, Optional<Cursor.Imap> cursor, long messages, Map<Long, ReadFailures> notRead) {
    public MailboxSnapshot {
        Objects.requireNonNull(observed);
        Objects.requireNonNull(cursor);
        notRead = Map.copyOf(notRead);
    }
}
