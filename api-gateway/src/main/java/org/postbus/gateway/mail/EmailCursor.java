package org.postbus.gateway.mail;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Objects;
import java.util.UUID;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.EmailId;

/**
 * After which email a page begins, in the order of the list: newest first, and among emails of the same instant the greater
 * id first. It stays right whatever comes, goes or moves meanwhile. Callers see 32 characters that mean nothing to them.
 */
record EmailCursor(Instant receivedAt, EmailId emailId) {
    private static final int BYTES = 24;

    EmailCursor {
        Objects.requireNonNull(receivedAt);
        Objects.requireNonNull(emailId);
    }

    /** @throws org.postbus.gateway.problem.ProblemException 400 */
    static EmailCursor parse(String text) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw malformed();
        }
        if (bytes.length != BYTES) {
            throw malformed();
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new EmailCursor(
                Instant.EPOCH.plus(buffer.getLong(), ChronoUnit.MICROS),
                new EmailId(new UUID(buffer.getLong(), buffer.getLong())));
    }

    /** The database keeps microseconds, so nothing is lost. */
    String text() {
        byte[] bytes = ByteBuffer.allocate(BYTES)
                .putLong(ChronoUnit.MICROS.between(Instant.EPOCH, receivedAt))
                .putLong(emailId.value().getMostSignificantBits())
                .putLong(emailId.value().getLeastSignificantBits())
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static RuntimeException malformed() {
        return Problem.badRequest("cursor is not one that this API gave");
    }
}
