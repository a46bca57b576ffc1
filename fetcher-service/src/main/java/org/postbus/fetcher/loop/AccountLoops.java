package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.Restarts;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/**
 * The loops of the accounts that are assigned to this fetcher. A loop that dies, by a bug or because memory ran out, is started again in this process
 * after a pause: ending the process would stop the loops of all other accounts. Thread-safe.
 */
public class AccountLoops {
    private static final Logger LOG = Logger.getLogger(AccountLoops.class);

    private record Running(Thread thread, WakeSignal wakes) {}

    private final FetcherContext context;
    private final AccountMetrics metrics;
    private final Map<AccountId, Running> running = new HashMap<>();
    private final List<Thread> ending = new ArrayList<>();
    private boolean closed;

    public AccountLoops(FetcherContext context, AccountMetrics metrics) {
        this.context = context;
        this.metrics = metrics;
    }

    /** Starts the account's loop. If it has one already, that one is stopped, and the new one begins when the old one has ended. */
    public synchronized void start(AccountRecord account) {
        if (closed) {
            return;
        }
        Optional<Thread> before =
                Optional.ofNullable(running.get(account.accountId())).map(Running::thread);
        before.ifPresent(Thread::interrupt);
        WakeSignal wakes = new WakeSignal();
        Restarts loop = new Restarts(
                "the loop of account " + account.accountId(),
                () -> new AccountLoop(account, context, metrics, wakes).run(),
                context.loopDied(),
                context.random());
        Thread thread =
                Thread.ofVirtual().name("account-" + account.accountId()).start(() -> runAfter(before, loop));
        running.put(account.accountId(), new Running(thread, wakes));
    }

    private static void runAfter(Optional<Thread> before, Restarts loop) {
        try {
            if (before.isPresent()) {
                before.get().join();
            }
        } catch (InterruptedException stopped) {
            return;
        }
        loop.run();
    }

    /** Makes the account's loop begin a pass now, or as soon as its backoff allows. Ignored for accounts without a loop here. */
    public synchronized void requestSync(AccountId account) {
        Running loop = running.get(account);
        if (loop != null) {
            loop.wakes().wake(WakeKind.SYNC_REQUEST);
        }
    }

    /** Stops the account's loop without waiting for its end. */
    public synchronized void stop(AccountId account) {
        Running loop = running.remove(account);
        if (loop != null) {
            loop.thread().interrupt();
        }
    }

    /** Stops these loops and waits for their end, for {@code atMost}: a loop that takes longer does no harm, because of the fence. */
    public void stop(Collection<AccountId> accounts, Duration atMost) {
        List<Thread> ending = new ArrayList<>();
        synchronized (this) {
            for (AccountId account : accounts) {
                Running loop = running.remove(account);
                if (loop != null) {
                    loop.thread().interrupt();
                    ending.add(loop.thread());
                }
            }
        }
        join(ending, atMost);
    }

    /** Stops all loops without waiting for their end; none can be started any more. */
    public synchronized void shutDown() {
        closed = true;
        running.values().forEach(loop -> {
            loop.thread().interrupt();
            ending.add(loop.thread());
        });
        running.clear();
    }

    /** Stops all loops and waits for their end, for {@code atMost}. */
    public void close(Duration atMost) {
        shutDown();
        List<Thread> last;
        synchronized (this) {
            last = List.copyOf(ending);
        }
        join(last, atMost);
    }

    private static void join(List<Thread> threads, Duration atMost) {
        Instant until = Instant.now().plus(atMost);
        try {
            for (Thread thread : threads) {
                Duration left = Duration.between(Instant.now(), until);
                if (!left.isPositive() || !thread.join(left)) {
                    LOG.warnf("%s is still stopping", thread.getName());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
