package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;
import java.util.UUID;

/** Identifies a message that somebody asked to be sent. A UUIDv7 minted by Postbus, never a server's id. */
public record SubmissionId(UUID value) {
    public SubmissionId {
        Objects.requireNonNull(value);
    }

    /** @throws IllegalArgumentException if {@code text} is not a UUID */
    @JsonCreator
    public static SubmissionId of(String text) {
        return new SubmissionId(UUID.fromString(text));
    }

    @JsonValue
    @Override
    public String toString() {
        return value.toString();
    }
}
