package org.postbus.fetcher.source;

import java.time.Duration;
import java.time.Instant;
import org.postbus.model.AccountId;
import org.postbus.observation.MailboxKey;

/**
 * When a mailbox or an account is compared whole although its server reports changes: once in each interval, at a time that depends only on
 * its key. The comparisons of many accounts are therefore spread over the interval, also after a restart, and nothing has to be stored.
 */
public final class ComparisonSchedule {
    private ComparisonSchedule() {}

    /** Whether the mailbox becomes due after {@code after} and not after {@code until}. */
    public static boolean isDue(AccountId account, MailboxKey mailbox, Instant after, Instant until, Duration every) {
        return isDue(account.hashCode() * 31L + mailbox.hashCode(), after, until, every);
    }

    /** The same for an account that is compared as a whole. */
    public static boolean isDue(AccountId account, Instant after, Instant until, Duration every) {
        return isDue(account.hashCode(), after, until, every);
    }

    private static boolean isDue(long key, Instant after, Instant until, Duration every) {
        long offset = Math.floorMod(key * 0x9E37_79B9_7F4A_7C15L, every.toMillis());
        return Math.floorDiv(after.toEpochMilli() - offset, every.toMillis())
                < Math.floorDiv(until.toEpochMilli() - offset, every.toMillis());
    }
}
