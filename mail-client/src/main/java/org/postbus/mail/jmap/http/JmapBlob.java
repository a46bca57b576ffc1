package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Multi;
import io.vertx.core.buffer.Buffer;
import java.util.Objects;
import java.util.Optional;

/**
 * A blob that has begun to arrive (RFC 8620 section 6.2). {@code content} must be subscribed to once, and soon,
 * because the connection is blocked until then. It fails with a {@link org.postbus.mail.ServerException} if the server
 * breaks off.
 *
 * @param size in bytes, if the server reports it
 */
public record JmapBlob(Optional<Long> size, Multi<Buffer> content) {
    public JmapBlob {
        Objects.requireNonNull(size);
        Objects.requireNonNull(content);
    }
}
