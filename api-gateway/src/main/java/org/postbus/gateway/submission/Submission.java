package org.postbus.gateway.submission;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;

/**
 * A message that was asked to be sent, and what came of it.
 *
 * @param messageId without {@code <>}
 * @param size in octets
 * @param state {@code queued}, {@code sending}, {@code sent}, {@code rejected} (by the server, for good), {@code failed} (no more tries),
 *     {@code in-doubt} (it may have been sent; it is not sent again unless somebody retries it) or {@code canceled}
 * @param copy in the mailbox for sent mail: {@code none} is Postbus's to make, else {@code due}, {@code done} or {@code failed}
 * @param error the server's words
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
        Instant createdAt,
        Instant updatedAt) {
    Submission {
        Objects.requireNonNull(id);
        recipients = List.copyOf(recipients);
        Objects.requireNonNull(parentId);
        Objects.requireNonNull(nextTryAt);
        Objects.requireNonNull(sentAt);
        Objects.requireNonNull(error);
    }

    /** @param refused the server's words, if it does not take mail for this one */
    record Recipient(String email, Optional<String> refused) {}
}
