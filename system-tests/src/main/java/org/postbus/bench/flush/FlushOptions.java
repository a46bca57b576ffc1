package org.postbus.bench.flush;

import java.util.Deque;
import java.util.EnumSet;
import java.util.Set;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.options.Server;

/**
 * The options of {@code bench flush}.
 *
 * @param emails changed at once
 * @param runs of such a change, per server
 * @param single number of mutations one at a time, per server
 */
public record FlushOptions(Set<Server> servers, int emails, int runs, int single) {
    private static final FlushOptions DEFAULT = new FlushOptions(EnumSet.allOf(Server.class), 10_000, 3, 200);
    private static final int MAX = 1_000_000;
    private static final int RUNS_MAX = 20;

    public static FlushOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--server" ->
                new FlushOptions(
                        EnumSet.of(Arguments.named(Server.class, value)), options.emails, options.runs, options.single);
            case "--emails" ->
                new FlushOptions(options.servers, Arguments.number(value, MAX), options.runs, options.single);
            case "--runs" ->
                new FlushOptions(options.servers, options.emails, Arguments.number(value, RUNS_MAX), options.single);
            case "--single" ->
                new FlushOptions(options.servers, options.emails, options.runs, Arguments.number(value, MAX));
            default -> throw Arguments.unknown(name);
        });
    }
}
