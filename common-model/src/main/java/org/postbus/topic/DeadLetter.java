package org.postbus.topic;

import java.util.Objects;
import java.util.Optional;

/**
 * One record of {@link Topics#DEAD_LETTERS}: another record that could not be decoded or applied. No mail is lost by it, because the
 * account is read from the server again.
 *
 * @param accountId the key of that record; empty if it had none
 * @param quarantineId the row of the table {@code quarantine} that holds its bytes
 */
public record DeadLetter(
        String topic, int partition, long offset, Optional<String> accountId, String reason, long quarantineId) {
    public DeadLetter {
        Objects.requireNonNull(topic);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(reason);
    }
}
