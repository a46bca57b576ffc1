package org.postbus.bench.scale;

import java.util.Deque;
import org.postbus.bench.options.Arguments;

/**
 * The options of {@code bench scale}.
 *
 * @param emails in the large database: half of them in one mailbox of the measured account, the rest in other accounts with 500 each
 * @param repeats of each step; a claim is repeated less, because the fetcher is restarted for it
 */
public record ScaleOptions(int emails, int repeats) {
    private static final ScaleOptions DEFAULT = new ScaleOptions(2_000_000, 20);
    private static final int EMAILS_MAX = 20_000_000;
    private static final int REPEATS_MAX = 1_000;
    private static final int PER_ACCOUNT = 500;

    /** Of the measured account before the database is filled. */
    static final int EMAILS_SMALL = 1_000;

    static final int CLAIMS = 3;

    public static ScaleOptions parse(Deque<String> rest) {
        return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
            case "--emails" -> new ScaleOptions(Arguments.number(value, EMAILS_MAX), options.repeats);
            case "--repeats" -> new ScaleOptions(options.emails, Arguments.number(value, REPEATS_MAX));
            default -> throw Arguments.unknown(name);
        });
    }

    int mailbox() {
        return Math.max(EMAILS_SMALL, emails / 2);
    }

    int accounts() {
        return Math.max(1, (emails - mailbox()) / PER_ACCOUNT);
    }

    int perAccount() {
        return PER_ACCOUNT;
    }
}
