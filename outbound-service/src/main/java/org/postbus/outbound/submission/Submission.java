package org.postbus.outbound.submission;

import java.util.List;
import java.util.Objects;
import org.postbus.model.SubmissionId;

/**
 * A message that somebody asked to be sent: a row of {@code submission} that this process has claimed.
 *
 * @param attempts to send, this one included
 * @param looks for a copy of it after that, this one included
 * @param messageId without {@code <>}
 * @param message as it goes out (RFC 5322)
 */
public record Submission(
        SubmissionId id,
        Task task,
        int attempts,
        int looks,
        String messageId,
        String mailFrom,
        List<String> recipients,
        byte[] message) {

    /** What is due. */
    public enum Task {
        SEND,
        /** The process that was sending it ended, and nobody knows whether the message went out. */
        RESOLVE,
        /** It is in doubt: see whether it turns up among the sent ones. */
        LOOK,
        /** The server has taken it, and the mailbox for sent mail may lack it. */
        COPY
    }

    public Submission {
        Objects.requireNonNull(id);
        Objects.requireNonNull(task);
        Objects.requireNonNull(messageId);
        Objects.requireNonNull(mailFrom);
        recipients = List.copyOf(recipients);
        Objects.requireNonNull(message);
    }
}
