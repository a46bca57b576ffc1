package org.postbus.gateway.rest;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;

/**
 * One page of a list.
 *
 * @param next the cursor of the page that follows; absent on the last page
 */
public record Page<T, N>(List<T> list, Optional<N> next) {
    public static final int LIMIT_MAX = 500;
    public static final String LIMIT_DEFAULT = "50";

    public Page {
        list = List.copyOf(list);
        Objects.requireNonNull(next);
    }

    /** @param rows up to {@code limit + 1}: the last one only shows that another page follows */
    public static <R, T, N> Page<T, N> of(List<R> rows, int limit, Function<R, T> item, Function<R, N> position) {
        List<R> shown = rows.subList(0, Math.min(rows.size(), limit));
        Optional<N> next = rows.size() > limit ? Optional.of(position.apply(shown.getLast())) : Optional.empty();
        return new Page<>(shown.stream().map(item).toList(), next);
    }

    /** @throws ProblemException 400 */
    public static int limit(int asked) {
        if (asked < 1 || asked > LIMIT_MAX) {
            throw Problem.badRequest("limit must be between 1 and " + LIMIT_MAX);
        }
        return asked;
    }

    /** The position of a list that is ordered by id. @throws ProblemException 400 */
    public static Optional<UUID> after(String cursor) {
        try {
            return Optional.ofNullable(cursor).map(UUID::fromString);
        } catch (IllegalArgumentException e) {
            throw Problem.badRequest("cursor must be the value of next in an earlier response");
        }
    }
}
