package org.postbus.gateway.mutation;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.queue.Hold;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;

/** A row of {@code mutation_view}. */
@Entity
@Immutable
@Table(name = "mutation_view")
public class MutationRow {
    @Id
    @Column(name = "mutation_id")
    UUID mutationId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "email_id")
    UUID emailId;

    @Column(name = "mailbox_id")
    UUID mailboxId;

    String kind;
    String patch;
    String state;
    int attempts;

    @Column(name = "next_try_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant nextTryAt;

    String error;

    @Column(name = "hold_reason")
    String holdReason;

    @Column(name = "hold_since")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant holdSince;

    @Column(name = "created_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant createdAt;

    @Column(name = "updated_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant updatedAt;

    public String kind() {
        return kind;
    }

    /** Of a mutation of a mailbox. */
    public MailboxId mailboxId() {
        return new MailboxId(mailboxId);
    }

    public JsonNode patch() {
        return EventCodec.decode(patch, JsonNode.class);
    }

    Mutation mutation() {
        return new Mutation(
                new MutationId(mutationId),
                Optional.ofNullable(emailId).map(EmailId::new),
                Optional.ofNullable(mailboxId).map(MailboxId::new),
                kind,
                patch,
                state,
                attempts,
                Optional.ofNullable(nextTryAt).filter(at -> state.equals("queued")),
                Optional.ofNullable(error),
                Hold.of(holdReason, holdSince),
                createdAt,
                updatedAt);
    }
}
