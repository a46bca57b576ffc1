package org.postbus.fetcher.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;
import org.postbus.event.AccountRecord;
import org.postbus.fetcher.assignment.Assignments;
import org.postbus.fetcher.source.FetcherContext;
import org.postbus.fetcher.source.WakeKind;
import org.postbus.fetcher.source.WakeSignal;
import org.postbus.model.AccountId;

/** The loops of the accounts that this fetcher has: starts, wakes and stops them as {@link Assignments} decides. */
public final class AccountLoops {
    private static final Logger LOG = Logger.getLogger(AccountLoops.class);

    private record Running(Thread thread, WakeSignal wakes) {}

    private final FetcherContext around;
    private final Map<AccountId, Running> running = new HashMap<>();
    private final AtomicInteger died = new AtomicInteger();
    private boolean closed;

    public AccountLoops(FetcherContext around) {
        this.around = around;
    }

    public synchronized void carryOut(Assignments.Decision decision) {
        switch (decision) {
            case Assignments.Decision.Start(AccountRecord account) -> start(account);
            case Assignments.Decision.Restart(AccountRecord account) -> start(account);
            case Assignments.Decision.Wake(AccountId account) -> {
                Running loop = running.get(account);
                if (loop != null) {
                    loop.wakes().wake(WakeKind.RECORD);
                }
            }
            case Assignments.Decision.Stop(AccountId account) -> {
                Running loop = running.remove(account);
                if (loop != null) {
                    loop.thread().interrupt();
                }
            }
        }
    }

    /** Takes the place of the account's loop if there is one, and begins when that has ended. */
    private void start(AccountRecord account) {
        if (closed) {
            return;
        }
        Optional<Thread> before =
                Optional.ofNullable(running.get(account.accountId())).map(Running::thread);
        before.ifPresent(Thread::interrupt);
        WakeSignal wakes = new WakeSignal();
        AccountLoop loop = new AccountLoop(account, around, wakes);
        Thread thread = Thread.ofVirtual()
                .name("account-" + account.accountId())
                .uncaughtExceptionHandler((unused, bug) -> {
                    died.incrementAndGet();
                    LOG.errorf(bug, "the loop of account %s died", account.accountId());
                })
                .start(() -> runAfter(before, loop));
        running.put(account.accountId(), new Running(thread, wakes));
    }

    private static void runAfter(Optional<Thread> before, AccountLoop loop) {
        try {
            if (before.isPresent()) {
                before.get().join();
            }
        } catch (InterruptedException stopped) {
            return;
        }
        loop.run();
    }

    /** Stops these loops and waits for their end, but not longer than told: the fence protects from a straggler. */
    public void stop(Collection<Assignments.Decision> stops, Duration atMost) {
        List<Thread> ending = new ArrayList<>();
        synchronized (this) {
            for (Assignments.Decision stop : stops) {
                Running loop = running.get(stop.accountId());
                if (loop != null) {
                    ending.add(loop.thread());
                }
                carryOut(stop);
            }
        }
        join(ending, atMost);
    }

    /** Stops all, for good. */
    public void close(Duration atMost) {
        List<Thread> ending = new ArrayList<>();
        synchronized (this) {
            closed = true;
            running.values().forEach(loop -> {
                loop.thread().interrupt();
                ending.add(loop.thread());
            });
            running.clear();
        }
        join(ending, atMost);
    }

    /** Loops that ended by a bug. */
    int died() {
        return died.get();
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
