package org.postbus.account;

/**
 * How often an account's mail server exceeded the limits of what it may send, in a row, without a completed pass between.
 *
 * @param times 1 or more
 * @param revision of the account when it happened ({@code AccountRecord.revision}): a change of the account begins anew
 */
public record LimitsExceeded(int times, long revision) {
    public LimitsExceeded {
        if (times < 1) {
            throw new IllegalArgumentException("times must be positive: " + times);
        }
    }
}
