package org.postbus.gateway.content;

import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.postbus.mail.mime.encoding.TransferDecoder;

/**
 * Content that has begun to arrive: its first portion is there, so that it is worth telling the caller that it comes. Must be
 * closed; closing it before the end ends the sending on the mail server's side, too.
 */
final class OpenContent implements AutoCloseable {
    /** Without a byte. */
    static final Duration SILENCE_MAX = Duration.ofSeconds(60);

    private final OptionalLong size;
    private final Source source;
    private final TransferDecoder decoder;
    private final Release release;
    private final AtomicBoolean released = new AtomicBoolean();
    private Optional<Buffer> first;
    private boolean ended;

    /** Where the portions after the first come from; empty at the end. */
    interface Source {
        Optional<Buffer> next() throws InterruptedException;
    }

    /** What there is to give back at the end. */
    interface Release {
        /** @param whole everything has been read: what it came over can be used again */
        void release(boolean whole);
    }

    /**
     * @param first empty if there is nothing in it
     * @param size of what {@code decoder} makes of it, if that is known
     */
    OpenContent(Optional<Buffer> first, OptionalLong size, Source source, TransferDecoder decoder, Release release) {
        this.first = Objects.requireNonNull(first);
        this.size = Objects.requireNonNull(size);
        this.source = source;
        this.decoder = decoder;
        this.release = release;
        this.ended = first.isEmpty();
    }

    OptionalLong size() {
        return size;
    }

    /** Some octets, maybe none; empty at the end. */
    Optional<Buffer> next() throws InterruptedException {
        if (ended) {
            close();
            return Optional.empty();
        }
        Optional<Buffer> portion = first.isPresent() ? first : source.next();
        first = Optional.empty();
        if (portion.isEmpty()) {
            ended = true;
            return Optional.of(Buffer.buffer(decoder.end()));
        }
        return decoder.isIdentity()
                ? portion
                : Optional.of(Buffer.buffer(decoder.decode(portion.get().getBytes())));
    }

    @Override
    public void close() {
        if (released.compareAndSet(false, true)) {
            release.release(ended);
        }
    }
}
