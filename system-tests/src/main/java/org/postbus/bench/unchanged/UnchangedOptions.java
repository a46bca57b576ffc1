package org.postbus.bench.unchanged;

import java.util.Deque;
import org.postbus.bench.options.Arguments;

/**
 * The options of {@code bench unchanged}.
 *
 * @param messages in the mailbox
 * @param passes sync passes that are measured
 */
public record UnchangedOptions(int messages, int passes) {
    private static final UnchangedOptions DEFAULT = new UnchangedOptions(200_000, 100);
    private static final int MESSAGES_MAX = 2_000_000;
    private static final int PASSES_MAX = 10_000;

    public static UnchangedOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--messages" -> new UnchangedOptions(Arguments.number(value, MESSAGES_MAX), options.passes);
            case "--passes" -> new UnchangedOptions(options.messages, Arguments.number(value, PASSES_MAX));
            default -> throw Arguments.unknown(name);
        });
    }
}
