package org.postbus.gateway.content;

import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.mime.encoding.TransferDecoder;

/**
 * Content whose first chunk has arrived, so the response can begin. Must be closed; closing it before the end makes the mail server stop
 * sending.
 */
final class OpenContent implements AutoCloseable {
    /** The longest time without a byte. */
    static final Duration SILENCE_MAX = Duration.ofSeconds(60);

    /** Bytes that wait in memory, and one chunk. While a slow client lets them wait, the mail server's socket is not read. */
    static final long BYTES_AHEAD = 128 * 1024;

    private final OptionalLong size;
    private final Source source;
    private final TransferDecoder decoder;
    private final Release release;
    private final AtomicBoolean released = new AtomicBoolean();
    private Optional<Buffer> first;
    private boolean ended;

    /** The chunks after the first; empty at the end. */
    interface Source {
        Optional<Buffer> next() throws InterruptedException;
    }

    /** Releases what the content holds. */
    interface Release {
        /** @param whole all of the content was read, so the connection can be used again */
        void release(boolean whole);
    }

    /**
     * @param first empty if the content is empty
     * @param size after decoding; empty if it is not known
     */
    OpenContent(Optional<Buffer> first, OptionalLong size, Source source, TransferDecoder decoder, Release release) {
        this.first = Objects.requireNonNull(first);
        this.size = Objects.requireNonNull(size);
        this.source = source;
        this.decoder = decoder;
        this.release = release;
        this.ended = first.isEmpty();
    }

    static ServerException silent(Duration waited) {
        return new ServerException(new ServerFailure.Unreachable(
                "the mail server has sent nothing for " + waited.toSeconds() + " seconds"));
    }

    OptionalLong size() {
        return size;
    }

    /** The next decoded chunk, which may have no octets; empty at the end. */
    Optional<Buffer> next() throws InterruptedException {
        if (ended) {
            close();
            return Optional.empty();
        }
        Optional<Buffer> chunk = first.isPresent() ? first : source.next();
        first = Optional.empty();
        if (chunk.isEmpty()) {
            ended = true;
            return Optional.of(Buffer.buffer(decoder.end()));
        }
        return decoder.isIdentity()
                ? chunk
                : Optional.of(Buffer.buffer(decoder.decode(chunk.get().getBytes())));
    }

    @Override
    public void close() {
        if (released.compareAndSet(false, true)) {
            release.release(ended);
        }
    }
}
