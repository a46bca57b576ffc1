package org.postbus.model;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The header fields that Postbus stores, decoded to Unicode, by the names of RFC 8621 section 4.1.3. Message ids have no angle brackets.
 *
 * @param sentAt the Date field in ISO 8601 with its own offset. The sender chooses it, so nothing is sorted by it
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

    /** Message ids that are stored of one References field: the last ones, which are the closest in the thread. */
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
