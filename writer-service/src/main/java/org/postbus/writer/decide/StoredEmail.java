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
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.ObservedEmail;

/**
 * A row of {@code email} with its rows of {@code email_mailbox}.
 *
 * @param keywords sorted
 * @param unlinkedPass the pass in which it lost its last mailbox; empty while it is in a mailbox
 * @param unlinkedFrom the mailboxes it was in before that; empty while it is in a mailbox
 */
public record StoredEmail(
        UUID id,
        Optional<EmailIdentity> identity,
        UUID threadId,
        Optional<String> blobId,
        Fingerprint fingerprint,
        List<String> keywords,
        Content content,
        Optional<Long> unlinkedPass,
        Set<UUID> unlinkedFrom,
        Map<Location, Link> links) {

    /** Longer message ids are cut: an index entry has room for about 2700 bytes. */
    public static final int MESSAGE_ID_LENGTH_MAX = 500;

    /** The range that PostgreSQL can store and people can read. Values outside of it are replaced by its ends. */
    private static final Instant RECEIVED_MIN = Instant.parse("0001-01-01T00:00:00Z");

    private static final Instant RECEIVED_MAX = Instant.parse("9999-12-31T23:59:59Z");

    /**
     * Where an email is filed. {@code uid} is 0 for JMAP, and for a mailbox that contains an email by a label while the message is filed in
     * another one.
     */
    public record Location(UUID mailboxId, long uid) {
        /** In an IMAP mailbox a UID names one message. The UID 0 is shared by all emails without a UID. */
        boolean holdsOneEmail() {
            return uid > 0;
        }
    }

    /** The state of an email at a location. Keywords are sorted; for JMAP they are the email's. */
    public record Link(long uidValidity, Optional<Long> modSeq, List<String> keywords) {}

    /** By this a message is recognised that disappears from one mailbox and appears in another. */
    public record Fingerprint(Optional<String> messageId, long size, Instant receivedAt, Optional<String> headerHash) {

        static Fingerprint of(ObservedEmail email) {
            return new Fingerprint(
                    email.headers().messageId().stream().findFirst().map(Fingerprint::cut),
                    email.size(),
                    storable(email.receivedAt()),
                    email.headerHash());
        }

        /** PostgreSQL stores microseconds. */
        private static Instant storable(Instant receivedAt) {
            if (receivedAt.isBefore(RECEIVED_MIN)) {
                return RECEIVED_MIN;
            }
            return receivedAt.isAfter(RECEIVED_MAX) ? RECEIVED_MAX : receivedAt.truncatedTo(ChronoUnit.MICROS);
        }

        /** Equal size and time alone do not show that two messages are the same. */
        boolean identifies() {
            return messageId.isPresent() || headerHash.isPresent();
        }

        static String cut(String messageId) {
            return messageId.length() <= MESSAGE_ID_LENGTH_MAX
                    ? messageId
                    : StorableText.of(messageId, MESSAGE_ID_LENGTH_MAX);
        }
    }

    /** The immutable part of an email that is only needed to emit a change. */
    public record Content(String headersJson, boolean hasAttachment, String preview) {
        EmailHeaders headers() {
            return EventCodec.decode(headersJson, EmailHeaders.class);
        }
    }
}
