package org.postbus.topic;

import java.util.Objects;
import java.util.Optional;

/**
 * One record of {@link Topics#DEAD_LETTERS}: a record that could not be decoded or applied. Its account is read anew from
 * the server, so no mail is lost by it; the bytes lie in the table {@code quarantine}.
 */
public record DeadLetter(
        String topic, int partition, long offset, Optional<String> accountId, String reason, long quarantineId) {
    public DeadLetter {
        Objects.requireNonNull(topic);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(reason);
    }
}
