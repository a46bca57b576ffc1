package org.postbus.outbound.queue;

import org.postbus.topic.MutationNotification;

/** The two queues of an account. A notification does not say which of them it is for, so both are flushed, concurrently. */
public record AccountQueues(AccountFlushes mutations, AccountFlushes submissions) {
    /** Returns at once. */
    public void notify(MutationNotification notification) {
        mutations.notify(notification);
        submissions.notify(notification);
    }
}
