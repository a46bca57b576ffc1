package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From which earlier state a JMAP server is asked again what changed, and when. A server that orders its states by the time at which changes
 * began, not by the order in which they become visible, omits from the changes since a state those that were in progress when it returned that
 * state (James does). Nothing else shows them: a keyword shows in no count, and missing emails may be as many as the server counts twice. Since a
 * state that was returned before all of these began, the server reports them. Pure.
 *
 * <p>Due once nothing has changed for {@link #SETTLED}, and while changes never cease every {@link #AT_LATEST}. The cursor holds the base, so a
 * new claim asks from it too.
 *
 * @param base everything that changed since it has been published, except what was in progress when one of the later states was returned
 * @param held states after it in the order in which they were received, the first of each second
 * @param latest the last state received
 */
record OverlapWindow(String base, Instant queriedAt, List<Held> held, Held latest) {
    /** No change is in progress for longer. */
    static final Duration SETTLED = Duration.ofSeconds(10);

    static final Duration AT_LATEST = Duration.ofSeconds(60);
    private static final Duration HELD_EVERY = Duration.ofSeconds(1);

    record Held(String state, Instant since) {}

    OverlapWindow {
        held = List.copyOf(held);
    }

    static OverlapWindow from(String state, Instant now) {
        return new OverlapWindow(state, now, List.of(), new Held(state, now));
    }

    /** For a new claim: what changed between {@code base} and {@code state} is asked for again. */
    static OverlapWindow between(String base, String state, Instant now) {
        return from(base, now).advanced(state, now);
    }

    OverlapWindow advanced(String state, Instant now) {
        if (state.equals(latest.state)) {
            return this;
        }
        Held received = new Held(state, now);
        if (!held.isEmpty() && held.getLast().since.plus(HELD_EVERY).isAfter(now)) {
            return new OverlapWindow(base, queriedAt, held, received);
        }
        List<Held> more = new ArrayList<>(held);
        more.add(received);
        return new OverlapWindow(base, queriedAt, more, received);
    }

    /** The state to ask from, if a query is due. */
    Optional<String> due(Instant now) {
        boolean changed = !latest.state.equals(base);
        boolean time = isSettled(latest, now) || !queriedAt.plus(AT_LATEST).isAfter(now);
        return changed && time ? Optional.of(base) : Optional.empty();
    }

    OverlapWindow queried(Instant now) {
        if (isSettled(latest, now)) {
            return from(latest.state, now);
        }
        List<Held> settled =
                held.stream().filter(state -> isSettled(state, now)).toList();
        return settled.isEmpty()
                ? new OverlapWindow(base, now, held, latest)
                : new OverlapWindow(settled.getLast().state, now, held.subList(settled.size(), held.size()), latest);
    }

    private static boolean isSettled(Held state, Instant now) {
        return !state.since.plus(SETTLED).isAfter(now);
    }
}
