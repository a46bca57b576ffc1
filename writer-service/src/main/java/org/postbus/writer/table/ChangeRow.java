package org.postbus.writer.table;

import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;

/**
 * A row of {@code change_log}.
 *
 * @param objectId of the changed object; empty if the change is about the account
 * @param data the record's value, byte for byte as it is published: JSON in UTF-8
 * @param at in microseconds, as PostgreSQL stores it
 */
public record ChangeRow(long seq, UUID eventId, String type, Optional<UUID> objectId, byte[] data, OffsetDateTime at) {}
