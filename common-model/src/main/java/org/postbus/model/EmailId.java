package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;
import java.util.UUID;

/** Identifies an email. It never changes, even when the email is moved, on any server. A UUIDv7 that Postbus creates, never a server's id. */
public record EmailId(UUID value) implements Comparable<EmailId> {
    public EmailId {
        Objects.requireNonNull(value);
    }

    /** @throws IllegalArgumentException if {@code text} is not a UUID */
    @JsonCreator
    public static EmailId of(String text) {
        return new EmailId(UUID.fromString(text));
    }

    @JsonValue
    @Override
    public String toString() {
        return value.toString();
    }

    @Override
    public int compareTo(EmailId other) {
        return value.compareTo(other.value);
    }
}
