package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;
import java.util.UUID;

/** Identifies a mailbox. It never changes, even when the mailbox is renamed. A UUIDv7 that Postbus creates, never a server's id. */
public record MailboxId(UUID value) implements Comparable<MailboxId> {
    public MailboxId {
        Objects.requireNonNull(value);
    }

    /** @throws IllegalArgumentException if {@code text} is not a UUID */
    @JsonCreator
    public static MailboxId of(String text) {
        return new MailboxId(UUID.fromString(text));
    }

    @Override
    public int compareTo(MailboxId other) {
        return value.compareTo(other.value);
    }

    @JsonValue
    @Override
    public String toString() {
        return value.toString();
    }
}
