package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/**
 * An email as readers and subscribers see it, without its bodies (RFC 8621 section 4.1). The values of {@code mailboxIds} and
 * {@code keywords} are always {@code true}, as in the RFC. Only these two properties change, and {@code threadId} when threads are joined.
 *
 * @param size of the raw message, in octets
 * @param preview the beginning of the text, at most {@link #PREVIEW_LENGTH_MAX} characters
 */
public record Email(
        EmailId id,
        String threadId,
        Map<MailboxId, Boolean> mailboxIds,
        Map<Keyword, Boolean> keywords,
        long size,
        Instant receivedAt,
        @JsonUnwrapped EmailHeaders headers,
        boolean hasAttachment,
        String preview) {

    public static final int PREVIEW_LENGTH_MAX = 256;

    public Email {
        Objects.requireNonNull(id);
        Objects.requireNonNull(threadId);
        mailboxIds = Map.copyOf(mailboxIds);
        keywords = Map.copyOf(keywords);
        Objects.requireNonNull(receivedAt);
        Objects.requireNonNull(headers);
        Objects.requireNonNull(preview);
    }
}
