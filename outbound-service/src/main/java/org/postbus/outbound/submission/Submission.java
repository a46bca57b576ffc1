package org.postbus.outbound.submission;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.postbus.model.SubmissionId;

/**
 * A message to be sent: a row of {@code submission} that this process has claimed.
 *
 * @param attempts attempts to send it, this one included
 * @param checks searches for its copy after that, or attempts to file the copy, this one included
 * @param interruptions claims in a row that ended before anything was sent, because the process ended
 * @param age since it was due to be sent for the first time, or retried by a user; of a message that was sent, since then
 * @param messageId without {@code <>}
 * @param message as it is transmitted (RFC 5322)
 */
public record Submission(
        SubmissionId id,
        Task task,
        int attempts,
        int checks,
        int interruptions,
        Duration age,
        String messageId,
        String mailFrom,
        List<String> recipients,
        byte[] message) {

    /** What is to be done. */
    public enum Task {
        SEND,
        /** The process that was sending it ended during the transmission; it is unknown whether the message was sent. */
        RESOLVE,
        /** Its outcome is unknown: search Sent for it. */
        CHECK,
        /** The server has accepted it: file a copy in Sent unless there is one. */
        COPY
    }

    public Submission {
        Objects.requireNonNull(id);
        Objects.requireNonNull(task);
        Objects.requireNonNull(age);
        Objects.requireNonNull(messageId);
        Objects.requireNonNull(mailFrom);
        recipients = List.copyOf(recipients);
        Objects.requireNonNull(message);
    }
}
