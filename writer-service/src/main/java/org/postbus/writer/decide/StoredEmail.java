package org.postbus.writer.decide;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.model.EmailHeaders;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.ingest.ObservationDecoder;

/**
 * A row of {@code email} and its rows of {@code email_mailbox}.
 *
 * @param keywords sorted
 * @param unlinkedPass empty while it lies in a mailbox
 * @param unlinkedFrom the mailboxes it last lay in, while it lies in none
 */
public record StoredEmail(
        UUID id,
        Optional<String> identity,
        UUID threadId,
        Optional<String> blobId,
        Fingerprint fingerprint,
        List<String> keywords,
        Content content,
        Optional<Long> unlinkedPass,
        Set<UUID> unlinkedFrom,
        Map<Place, Link> links) {

    /** A message id that is longer is cut: an index entry has room for about 2700 bytes. */
    static final int MESSAGE_ID_LENGTH_MAX = 500;

    /** What PostgreSQL can hold and people can read; a server that says otherwise is not believed. */
    private static final Instant RECEIVED_MIN = Instant.parse("0001-01-01T00:00:00Z");

    private static final Instant RECEIVED_MAX = Instant.parse("9999-12-31T23:59:59Z");

    /** Where an email lies; {@code uid} is 0 for JMAP, and for a mailbox that it is in by a label while it lies elsewhere. */
    public record Place(UUID mailboxId, long uid) {}

    /** What it is like there. Keywords are sorted; for JMAP they are the email's. */
    public record Link(long uidValidity, Optional<Long> modSeq, List<String> keywords) {}

    /** By what a message is known again that turns up somewhere else. */
    public record Fingerprint(Optional<String> messageId, long size, Instant receivedAt, Optional<String> headerHash) {

        static Fingerprint of(ObservedEmail email) {
            return new Fingerprint(
                    email.headers().messageId().stream().findFirst().map(Fingerprint::cut),
                    email.size(),
                    storable(email.receivedAt()),
                    email.headerHash());
        }

        /** PostgreSQL counts microseconds. */
        private static Instant storable(Instant receivedAt) {
            if (receivedAt.isBefore(RECEIVED_MIN)) {
                return RECEIVED_MIN;
            }
            return receivedAt.isAfter(RECEIVED_MAX) ? RECEIVED_MAX : receivedAt.truncatedTo(ChronoUnit.MICROS);
        }

        /** Size and time alone are too little to take two messages for one. */
        boolean tellsApart() {
            return messageId.isPresent() || headerHash.isPresent();
        }

        static String cut(String messageId) {
            return messageId.length() <= MESSAGE_ID_LENGTH_MAX
                    ? messageId
                    : ObservationDecoder.storable(messageId.substring(0, MESSAGE_ID_LENGTH_MAX));
        }
    }

    /** What of an email never changes and only matters where it is told to others. */
    public record Content(String headersJson, boolean hasAttachment, String preview) {
        EmailHeaders headers() {
            return EventCodec.decode(headersJson, EmailHeaders.class);
        }
    }
}
