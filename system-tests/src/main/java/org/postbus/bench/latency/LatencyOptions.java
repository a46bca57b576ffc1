package org.postbus.bench.latency;

import java.util.Deque;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.options.Protocol;

/**
 * The options of {@code bench latency}.
 *
 * @param arrivals by APPEND to INBOX; a third of it by each other path
 * @param before messages that other accounts receive first
 */
public record LatencyOptions(Protocol protocol, int arrivals, int before) {
    private static final LatencyOptions DEFAULT = new LatencyOptions(Protocol.IMAP, 300, 2000);
    private static final int ARRIVALS_MAX = 100_000;

    public static LatencyOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--protocol" ->
                new LatencyOptions(Arguments.named(Protocol.class, value), options.arrivals, options.before);
            case "--arrivals" ->
                new LatencyOptions(options.protocol, Arguments.number(value, ARRIVALS_MAX), options.before);
            case "--before" ->
                new LatencyOptions(options.protocol, options.arrivals, Arguments.number(value, ARRIVALS_MAX));
            default -> throw Arguments.unknown(name);
        });
    }
}
