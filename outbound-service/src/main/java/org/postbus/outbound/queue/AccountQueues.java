package org.postbus.outbound.queue;

import org.postbus.event.MutationBell;

/** The two queues of an account. A bell does not say which of them it is for: both are looked at, beside each other. */
public record AccountQueues(AccountFlushes mutations, AccountFlushes submissions) {
    /** Returns at once. */
    public void ring(MutationBell bell) {
        mutations.ring(bell);
        submissions.ring(bell);
    }
}
