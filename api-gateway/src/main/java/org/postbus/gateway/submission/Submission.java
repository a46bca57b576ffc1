package org.postbus.gateway.submission;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.gateway.queue.Hold;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;

/**
 * A message to be sent, and its state.
 *
 * @param messageId without angle brackets
 * @param size in octets
 * @param state {@code queued}, {@code sending}, {@code sent}, {@code rejected} (by the server, permanently), {@code failed} (refused
 *     temporarily until it was given up), {@code in-doubt} (it may have been sent, and is not sent again unless it is retried) or {@code canceled}
 * @param copy state of the copy in Sent: {@code none} if Postbus makes none, else {@code due}, {@code done} or {@code failed}
 * @param nextTryAt when it is tried next; absent if nothing is to be done
 * @param error text of the last error: why it waits, or why it was not sent
 * @param hold present while it waits because the server that sends can not be used
 * @param parentId the email that it answers or forwards
 */
record Submission(
        SubmissionId id,
        String messageId,
        String subject,
        int size,
        String mailFrom,
        List<Recipient> recipients,
        Optional<EmailId> parentId,
        String state,
        String copy,
        int attempts,
        Instant sendAt,
        Optional<Instant> nextTryAt,
        Optional<Instant> sentAt,
        Optional<String> error,
        Optional<Hold> hold,
        Instant createdAt,
        Instant updatedAt) {
    Submission {
        Objects.requireNonNull(id);
        recipients = List.copyOf(recipients);
        Objects.requireNonNull(parentId);
        Objects.requireNonNull(nextTryAt);
        Objects.requireNonNull(sentAt);
        Objects.requireNonNull(error);
        Objects.requireNonNull(hold);
    }

    /** @param refused the server's reply, if it refused this recipient */
    record Recipient(String email, Optional<String> refused) {}
}
