package org.postbus.gateway.email;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.hibernate.annotations.Immutable;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;
import org.postbus.codec.EventCodec;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;

/** A row of {@code email_text_view}: the mail server's email with the open mutations applied. */
@Entity
@Immutable
@Table(name = "email_text_view")
class EmailRow {
    @Id
    @Column(name = "email_id")
    UUID emailId;

    @Column(name = "account_id")
    UUID accountId;

    @Column(name = "thread_id")
    UUID threadId;

    long size;

    @Column(name = "received_at")
    @JdbcTypeCode(SqlTypes.TIMESTAMP_WITH_TIMEZONE)
    Instant receivedAt;

    String headers;

    @Column(name = "has_attachment")
    boolean hasAttachment;

    String preview;
    String[] keywords;

    @Column(name = "mailbox_ids")
    String[] mailboxIds;

    boolean visible;

    Email email() {
        return new Email(
                new EmailId(emailId),
                threadId.toString(),
                trueFor(mailboxIds, MailboxId::of),
                trueFor(keywords, Keyword::of),
                size,
                receivedAt,
                EventCodec.decode(headers, EmailHeaders.class),
                hasAttachment,
                preview);
    }

    EmailCursor position() {
        return new EmailCursor(receivedAt, new EmailId(emailId));
    }

    private static <T> Map<T, Boolean> trueFor(String[] names, Function<String, T> parse) {
        return Arrays.stream(names).collect(Collectors.toMap(parse, name -> true));
    }
}
