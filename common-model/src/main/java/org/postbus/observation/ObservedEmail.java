package org.postbus.observation;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailHeaders;

/**
 * The properties of an email that never change.
 *
 * @param identity empty if the server has no ids of emails
 * @param serverThread empty if the server has no threads
 * @param blobId JMAP: the id of the raw message
 * @param headerHash SHA-256 of the raw header, in hexadecimal. With Message-ID, size and receivedAt it is the fingerprint of move
 *     detection; empty for JMAP, whose ids survive a move
 * @param receivedAt IMAP INTERNALDATE, JMAP receivedAt; as {@link #storable}
 * @param size of the raw message, in octets
 * @param preview at most {@link org.postbus.model.Email#PREVIEW_LENGTH_MAX} characters
 * @param body empty if the text is too large; it is then fetched on demand
 */
public record ObservedEmail(
        Optional<EmailIdentity> identity,
        Optional<ThreadIdentity> serverThread,
        Optional<String> blobId,
        Optional<String> headerHash,
        EmailHeaders headers,
        Instant receivedAt,
        long size,
        boolean hasAttachment,
        String preview,
        Optional<EmailBody> body) {
    private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

    public ObservedEmail {
        receivedAt = storable(receivedAt);
        Objects.requireNonNull(identity);
        Objects.requireNonNull(serverThread);
        Objects.requireNonNull(blobId);
        Objects.requireNonNull(headerHash);
        Objects.requireNonNull(headers);
        Objects.requireNonNull(receivedAt);
        Objects.requireNonNull(preview);
        Objects.requireNonNull(body);
    }

    /**
     * The time, or the nearest in the years 1 to 9999: a UTCDate of JMAP has four digits for the year, and there are servers that report any
     * other.
     */
    public static Instant storable(Instant time) {
        return time.isBefore(EARLIEST) ? EARLIEST : time.isAfter(LATEST) ? LATEST : time;
    }
}
