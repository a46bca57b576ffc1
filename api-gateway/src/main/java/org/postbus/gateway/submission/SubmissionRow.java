package org.postbus.gateway.submission;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.queue.Hold;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;

/** A row of {@code submission_view}. */
@Entity
@Immutable
@Table(name = "submission_view")
class SubmissionRow {
    @Id
    @Column(name = "submission_id")
    UUID submissionId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "message_id")
    String messageId;

    String subject;
    int size;

    @Column(name = "mail_from")
    String mailFrom;

    String[] recipients;
    String refused;

    @Column(name = "parent_id")
    UUID parentId;

    String state;
    String copy;
    int attempts;

    @Column(name = "send_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant sendAt;

    @Column(name = "next_try_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant nextTryAt;

    String error;

    @Column(name = "hold_reason")
    String holdReason;

    @Column(name = "hold_since")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant holdSince;

    @Column(name = "sent_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant sentAt;

    @Column(name = "created_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant createdAt;

    @Column(name = "updated_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant updatedAt;

    Submission submission() {
        JsonNode replies = EventCodec.decode(refused, JsonNode.class);
        return new Submission(
                new SubmissionId(submissionId),
                messageId,
                subject,
                size,
                mailFrom,
                Arrays.stream(recipients)
                        .map(recipient -> new Submission.Recipient(
                                recipient,
                                Optional.ofNullable(replies.path(recipient).textValue())))
                        .toList(),
                Optional.ofNullable(parentId).map(EmailId::new),
                state,
                copy,
                attempts,
                sendAt,
                Optional.ofNullable(nextTryAt),
                Optional.ofNullable(sentAt),
                Optional.ofNullable(error),
                Hold.of(holdReason, holdSince),
                createdAt,
                updatedAt);
    }
}
