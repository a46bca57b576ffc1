package org.postbus.outbound.queue;

import java.time.Duration;
import java.util.function.Consumer;
import org.postbus.kit.concurrent.CoalescedNotifications;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

/**
 * Flushes the accounts for which notifications come: one flush per account at a time, different accounts concurrently. A notification
 * during an account's flush causes another round, so nothing that was queued before a notification is missed. If a flush fails, the {@link
 * DueSweeper} notifies again.
 */
public final class AccountFlushes implements AutoCloseable {
    /** For flushes under way when the service is stopped. */
    private static final Duration STOP_WAIT = Duration.ofSeconds(20);
    /** A flush that takes longer mostly waits for a server. */
    private static final Duration LONG_FLUSH = Duration.ofSeconds(3);

    /** Processes the due items of one queue. */
    public interface Flusher {
        /**
         * One round. Blocks.
         *
         * @return false if nothing was due
         */
        boolean flush(TenantId tenant, AccountId account);

        /** Ends waits for the database. */
        void stop();
    }

    private record Account(TenantId tenant, AccountId id) {
        /** Names the thread. */
        @Override
        public String toString() {
            return id.toString();
        }
    }

    private final Flusher flusher;
    private final FlushPermits permits;
    private final CoalescedNotifications<Account> notifications;
    private volatile boolean stopping;

    /**
     * @param flushesMax accounts that are flushed at once, not counting long flushes (see {@link FlushPermits}); the others wait
     * @param waited is given how long each of them waited
     */
    public AccountFlushes(Flusher flusher, int flushesMax, Consumer<Duration> waited) {
        this(flusher, new FlushPermits(flushesMax, LONG_FLUSH, waited));
    }

    public AccountFlushes(Flusher flusher, FlushPermits permits) {
        this.flusher = flusher;
        this.permits = permits;
        this.notifications = new CoalescedNotifications<>(
                "flush", CoalescedNotifications.Limits.NONE.withStopWait(STOP_WAIT), this::flush);
    }

    /** Returns at once. */
    public void notify(MutationNotification notification) {
        notifications.notify(new Account(notification.tenantId(), notification.accountId()));
    }

    /** Accounts that are being flushed. */
    public int running() {
        return permits.held();
    }

    private void flush(Account account) throws InterruptedException {
        try (FlushPermits.Permit permit = permits.acquire(account.tenant())) {
            while (!stopping && flusher.flush(account.tenant(), account.id())) {
                // Until nothing is due.
            }
        }
    }

    /** Takes no more notifications and waits until the flushes under way have stored their outcomes. */
    @Override
    public void close() {
        stopping = true;
        notifications.close();
        flusher.stop();
    }
}
