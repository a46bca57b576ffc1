package org.postbus.bench.fairness;

import java.util.Deque;
import org.postbus.bench.options.Arguments;

/**
 * The options of {@code bench fairness}.
 *
 * @param accounts that the other tenant adds at once
 * @param messages in the INBOX of each of them
 */
public record FairnessOptions(int accounts, int messages) {
    private static final FairnessOptions DEFAULT = new FairnessOptions(1500, 20);
    private static final int ACCOUNTS_MAX = 100_000;
    private static final int MESSAGES_MAX = 100_000;

    public static FairnessOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--accounts" -> new FairnessOptions(Arguments.number(value, ACCOUNTS_MAX), options.messages);
            case "--messages" -> new FairnessOptions(options.accounts, Arguments.number(value, MESSAGES_MAX));
            default -> throw Arguments.unknown(name);
        });
    }
}
