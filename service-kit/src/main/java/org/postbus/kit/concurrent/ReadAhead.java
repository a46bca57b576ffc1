package org.postbus.kit.concurrent;

import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;

/**
 * How much of a source may wait for its reader, in bytes: one item more is requested as long as fewer than {@code bytesMax}
 * wait, so that at most {@code bytesMax} and one item are held, whatever the size of the items.
 *
 * @param size about the bytes of memory that an item takes; each counts at least {@value #ITEM_BYTES_MIN}
 * @param waiting called with the bytes that wait, each time that they change; on any thread, and it must not block
 * @param tight while it is true, nothing is requested ahead: an item is requested only when none waits
 */
public record ReadAhead<T>(long bytesMax, ToLongFunction<? super T> size, LongConsumer waiting, BooleanSupplier tight) {
    /** What an item costs, however small it is. */
    public static final long ITEM_BYTES_MIN = 100;

    public ReadAhead {
        if (bytesMax < 1) {
            throw new IllegalArgumentException("at least one byte may wait");
        }
        Objects.requireNonNull(size);
        Objects.requireNonNull(waiting);
        Objects.requireNonNull(tight);
    }

    public static <T> ReadAhead<T> ofBytes(long bytesMax, ToLongFunction<? super T> size) {
        return new ReadAhead<>(bytesMax, size, bytes -> {}, () -> false);
    }

    /** The same, counted elsewhere. */
    public ReadAhead<T> counted(LongConsumer waiting, BooleanSupplier tight) {
        return new ReadAhead<>(bytesMax, size, waiting, tight);
    }

    long bytes(T item) {
        return Math.max(ITEM_BYTES_MIN, size.applyAsLong(item));
    }
}
