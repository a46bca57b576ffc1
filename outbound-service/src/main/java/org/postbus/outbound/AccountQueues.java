package org.postbus.outbound;

import org.postbus.topic.MutationNotification;

/** The two queues of an account. A bell does not say which of them it is for: both are looked at, beside each other. */
public record AccountQueues(AccountFlushes wishes, AccountFlushes submissions) {
    /** Returns at once. */
    public void ring(MutationNotification bell) {
        wishes.ring(bell);
        submissions.ring(bell);
    }
}
