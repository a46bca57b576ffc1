package org.postbus.bench.idle;

import java.util.Deque;
import org.postbus.bench.options.Arguments;

/**
 * The options of {@code bench idle}.
 *
 * @param accounts the largest number that is measured
 * @param histogram whether to print the classes that take most of the heap
 */
public record IdleOptions(int accounts, boolean histogram) {
    private static final IdleOptions DEFAULT = new IdleOptions(10_000, false);
    private static final int ACCOUNTS_MIN = 10 * IdleBench.FEW;
    private static final int ACCOUNTS_MAX = 1_000_000;

    public IdleOptions {
        if (accounts < ACCOUNTS_MIN) {
            throw new IllegalArgumentException("at least " + ACCOUNTS_MIN + " accounts are needed");
        }
    }

    public static IdleOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--accounts" -> new IdleOptions(Arguments.number(value, ACCOUNTS_MAX), options.histogram);
            case "--histogram" -> new IdleOptions(options.accounts, Boolean.parseBoolean(value));
            default -> throw Arguments.unknown(name);
        });
    }
}
