package org.postbus.mail.jmap.method;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailHeaders;
import org.postbus.model.Keyword;

/**
 * An Email as the server reports it (RFC 8621 section 4.1); ids are the server's. No string in it contains U+0000 or
 * half a surrogate pair.
 *
 * @param size octets of the raw message
 * @param preview at most 256 characters
 * @param body empty if no body values were requested
 */
public record JmapEmail(
        String id,
        Optional<String> blobId,
        Optional<String> threadId,
        Set<String> mailboxIds,
        Set<Keyword> keywords,
        long size,
        Instant receivedAt,
        EmailHeaders headers,
        boolean hasAttachment,
        String preview,
        Optional<EmailBody> body) {
    public JmapEmail {
        Objects.requireNonNull(id);
        Objects.requireNonNull(blobId);
        Objects.requireNonNull(threadId);
        mailboxIds = Set.copyOf(mailboxIds);
        keywords = Set.copyOf(keywords);
        Objects.requireNonNull(receivedAt);
        Objects.requireNonNull(headers);
        Objects.requireNonNull(preview);
        Objects.requireNonNull(body);
    }
}
