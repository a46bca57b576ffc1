package org.postbus.gateway.account;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/** One past sync pass of an account: the changes in the database, or the error that ended it. */
record SyncLogEntry(
        UUID id,
        Instant startedAt,
        Instant finishedAt,
        long created,
        long updated,
        long destroyed,
        Optional<String> error) {
    SyncLogEntry {
        Objects.requireNonNull(id);
        Objects.requireNonNull(startedAt);
        Objects.requireNonNull(finishedAt);
        Objects.requireNonNull(error);
    }
}
