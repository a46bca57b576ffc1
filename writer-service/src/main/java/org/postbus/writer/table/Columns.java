package org.postbus.writer.table;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntFunction;

/** Values as parameters of statements. */
final class Columns {
    private Columns() {}

    /** One array parameter of a statement that reads its rows from {@code unnest}. */
    static <R, T> T[] column(List<R> rows, Function<R, T> value, IntFunction<T[]> array) {
        return rows.stream().map(value).toArray(array);
    }

    static OffsetDateTime time(Instant instant) {
        return instant.atOffset(ZoneOffset.UTC);
    }

    /** Null if there is none. */
    static OffsetDateTime time(Optional<Instant> instant) {
        return instant.map(Columns::time).orElse(null);
    }
}
