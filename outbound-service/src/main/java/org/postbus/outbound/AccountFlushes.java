package org.postbus.outbound;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jboss.logging.Logger;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.MutationNotification;

/**
 * Flushes accounts when they are rung for: one flush per account at a time, accounts beside each other. Ringing while an
 * account is being flushed makes it look once more afterwards, so no wish is overlooked.
 */
public final class AccountFlushes implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(AccountFlushes.class);
    /** For what is under way when the service is asked to stop. */
    private static final Duration STOP_WAIT = Duration.ofSeconds(20);
    /** A flush that takes longer waits for a server, mostly. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** What an account is flushed of. */
    public interface Flusher {
        /**
         * One round. Blocks.
         *
         * @return false if nothing was due
         */
        boolean flush(TenantId tenant, AccountId account);

        /** Lets go of what waits for the database. */
        void stop();
    }

    private enum State {
        RUNNING,
        RUNNING_AND_RUNG
    }

    private final Flusher flusher;
    private final Places places;
    private final ConcurrentMap<AccountId, State> states = new ConcurrentHashMap<>();
    private volatile boolean stopping;

    /** @param flushesMax accounts that are flushed at once, besides those that take long ({@link Places}); the others wait */
    public AccountFlushes(Flusher flusher, int flushesMax) {
        this(flusher, new Places(flushesMax, PATIENCE));
    }

    AccountFlushes(Flusher flusher, Places places) {
        this.flusher = flusher;
        this.places = places;
    }

    /** Returns at once. */
    public void ring(MutationNotification bell) {
        if (stopping) {
            return;
        }
        State now = states.merge(bell.accountId(), State.RUNNING, (running, ignored) -> State.RUNNING_AND_RUNG);
        if (now == State.RUNNING) {
            Thread.ofVirtual().name("flush-" + bell.accountId()).start(() -> run(bell));
        }
    }

    public int running() {
        return places.taken();
    }

    private void run(MutationNotification bell) {
        AccountId account = bell.accountId();
        try (Places.Place place = places.take()) {
            do {
                states.replace(account, State.RUNNING);
                while (!stopping && flusher.flush(bell.tenantId(), account)) {
                    // Until nothing is due.
                }
            } while (!states.remove(account, State.RUNNING));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            states.remove(account);
        } catch (TenantTransactions.DatabaseException e) {
            states.remove(account);
            LOG.warnf("account %s was not flushed, the sweeper rings again: %s", account, e.getMessage());
        } catch (RuntimeException e) {
            // A bug. The claim runs out, the wishes are tried again and, if it stays so, end as failed.
            states.remove(account);
            LOG.errorf(e, "the flush of account %s broke", account);
        }
    }

    /** Takes no more bells and waits until the flushes under way have noted their outcomes. */
    @Override
    public void close() {
        stopping = true;
        try {
            if (!places.awaitEmpty(STOP_WAIT)) {
                LOG.warnf("%d flushes did not end in time: their claims run out", running());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        flusher.stop();
    }
}
