package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From which state a JMAP server is asked once more what changed. A server that orders its states by the time at which changes began, and
 * not in the order in which they can be seen, leaves out of what changed since a state all that was still under way when it gave that
 * state out (James does). Nothing else tells of it: a keyword shows in no count, and emails too many may be as many as the server
 * counts twice. From a state that was given out before all that began, the server tells it.
 *
 * <p>Due once nothing has changed for {@link #SETTLED}, and while changes never rest every {@link #AT_LATEST}.
 *
 * @param base since which all that changed has been told, but for what came together with the states behind it
 * @param held states behind it in the order in which they were got, the first of each second
 * @param latest the last one that was got
 */
record OverlapWindow(String base, Instant lookedAt, List<Held> held, Held latest) {
    /** No change is under way for longer. */
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

    /** After a change of hands: whatever is known of {@code state}, what came since {@code base} is asked for once more. */
    static OverlapWindow between(String base, String state, Instant now) {
        return from(base, now).got(state, now);
    }

    OverlapWindow got(String state, Instant now) {
        if (state.equals(latest.state)) {
            return this;
        }
        Held got = new Held(state, now);
        if (!held.isEmpty() && held.getLast().since.plus(HELD_EVERY).isAfter(now)) {
            return new OverlapWindow(base, lookedAt, held, got);
        }
        List<Held> more = new ArrayList<>(held);
        more.add(got);
        return new OverlapWindow(base, lookedAt, more, got);
    }

    /** The state to ask from, if it is time. */
    Optional<String> due(Instant now) {
        boolean changed = !latest.state.equals(base);
        boolean time = isSettled(latest, now) || !lookedAt.plus(AT_LATEST).isAfter(now);
        return changed && time ? Optional.of(base) : Optional.empty();
    }

    OverlapWindow looked(Instant now) {
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
