package org.postbus.mail.mime;

import java.util.Objects;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailHeaders;

/**
 * The content of a raw message. No string in it contains U+0000 or half a surrogate pair.
 *
 * @param headerHash SHA-256 of the raw header, up to and including the blank line, in lower-case hexadecimal
 * @param preview at most {@link org.postbus.model.Email#PREVIEW_LENGTH_MAX} characters; empty if there is no text
 * @param isIncomplete a limit of {@link MimeLimits} was exceeded: parts or header fields are missing
 */
public record ParsedEmail(
        EmailHeaders headers,
        EmailBody body,
        boolean hasAttachment,
        String preview,
        String headerHash,
        boolean isIncomplete) {
    public ParsedEmail {
        Objects.requireNonNull(headers);
        Objects.requireNonNull(body);
        Objects.requireNonNull(preview);
        Objects.requireNonNull(headerHash);
    }
}
