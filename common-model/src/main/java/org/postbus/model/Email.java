package org.postbus.model;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/**
 * An email as readers and subscribers see it, without its bodies (RFC 8621 section 4.1). {@code mailboxIds} and
 * {@code keywords} map to {@code true}, as the RFC has it. Only those two ever change, and {@code threadId} when threads turn out to be one.
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
