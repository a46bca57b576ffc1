package org.postbus.observation;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailHeaders;

/**
 * The part of an email that never changes.
 *
 * @param identity what the server itself calls this email wherever it lies, unique in the account:
 *     {@code jmap:<id>}, {@code emailid:<OBJECTID>} or {@code gm:<X-GM-MSGID>}; empty if it says nothing
 * @param serverThread the server's id of the thread, prefixed the same way
 * @param headerHash SHA-256 of the raw header, in hexadecimal; with Message-ID, size and receivedAt the fingerprint by
 *     which a moved message is known again; empty for JMAP, where the id does that
 * @param receivedAt IMAP INTERNALDATE, JMAP receivedAt
 * @param size octets of the raw message
 * @param body empty when it was left out: it is then fetched on demand
 */
public record ObservedEmail(
        Optional<String> identity,
        Optional<String> serverThread,
        Optional<String> blobId,
        Optional<String> headerHash,
        EmailHeaders headers,
        Instant receivedAt,
        long size,
        boolean hasAttachment,
        String preview,
        Optional<EmailBody> body) {
    public ObservedEmail {
        Objects.requireNonNull(identity);
        Objects.requireNonNull(serverThread);
        Objects.requireNonNull(blobId);
        Objects.requireNonNull(headerHash);
        Objects.requireNonNull(headers);
        Objects.requireNonNull(receivedAt);
        Objects.requireNonNull(preview);
        Objects.requireNonNull(body);
    }
}
