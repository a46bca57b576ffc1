package org.postbus.model;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The header fields that Postbus keeps, decoded to Unicode, under RFC 8621's names (section 4.1.3).
 * Message ids stand without angle brackets. {@code sentAt} is the Date header as ISO 8601 with its own offset;
 * it is the sender's claim, so nothing sorts by it.
 */
public record EmailHeaders(
        List<String> messageId,
        List<String> inReplyTo,
        List<String> references,
        List<EmailAddress> sender,
        List<EmailAddress> from,
        List<EmailAddress> to,
        List<EmailAddress> cc,
        List<EmailAddress> bcc,
        List<EmailAddress> replyTo,
        Optional<String> subject,
        Optional<String> sentAt) {

    /** The most message ids that are kept of one References header: the last ones, for they are the nearest. */
    public static final int REFERENCES_MAX = 50;

    public EmailHeaders {
        messageId = List.copyOf(messageId);
        inReplyTo = List.copyOf(inReplyTo);
        references = List.copyOf(references);
        sender = List.copyOf(sender);
        from = List.copyOf(from);
        to = List.copyOf(to);
        cc = List.copyOf(cc);
        bcc = List.copyOf(bcc);
        replyTo = List.copyOf(replyTo);
        Objects.requireNonNull(subject);
        Objects.requireNonNull(sentAt);
    }
}
