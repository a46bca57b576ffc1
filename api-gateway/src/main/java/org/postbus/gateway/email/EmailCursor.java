package org.postbus.gateway.email;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Objects;
import java.util.UUID;
import org.postbus.gateway.problem.Problem;
import org.postbus.model.EmailId;

/**
 * The email after which a page begins. Lists are ordered newest first, and emails of the same instant by descending id. A cursor
 * stays valid when emails are added, removed or moved. For callers it is an opaque text of 32 characters. Pure.
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

    /** Times are encoded in microseconds, the precision of the database. */
    String text() {
        byte[] bytes = ByteBuffer.allocate(BYTES)
                .putLong(ChronoUnit.MICROS.between(Instant.EPOCH, receivedAt))
                .putLong(emailId.value().getMostSignificantBits())
                .putLong(emailId.value().getLeastSignificantBits())
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static RuntimeException malformed() {
        return Problem.badRequest("cursor must be the value of next in an earlier response");
    }
}
