package org.postbus.gateway.audit;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jboss.logging.Logger;
import org.postbus.gateway.rate.TokenBucket;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;

/**
 * Stores entries about what has no transaction in the database, such as a download or a refused request: soon, in batches. While the database
 * is unavailable at most {@link #WAITING_MAX} entries wait; further ones are lost, counted and logged.
 */
@ApplicationScoped
public class AuditLog {
    private static final Logger LOG = Logger.getLogger(AuditLog.class);
    static final int WAITING_MAX = 10_000;
    private static final int BATCH_MAX = 500;
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(20);

    private static final double WARNINGS_PER_SECOND = 0.1;

    private final TenantTransactions transactions;
    private final TokenBucket warnings = new TokenBucket();
    private final Counter lost;
    private final BlockingQueue<AuditEntry> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private final PeriodicJob job = new PeriodicJob("audit-log", PAUSE, this::storeAll);
    /** Taken from the queue and not stored yet. Used by the job alone. */
    private final List<AuditEntry> batch = new ArrayList<>();

    AuditLog(TenantTransactions transactions, MeterRegistry metrics) {
        this.transactions = transactions;
        this.lost = metrics.counter("postbus.gateway.audit.lost");
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) throws InterruptedException {
        job.close();
        try {
            storeAll();
        } catch (InfrastructureFailureException e) {
            LOG.warnf("%d entries of the audit log were not stored: %s", waiting.size() + batch.size(), e.getMessage());
        }
    }

    /** Never blocks. */
    public void add(AuditEntry entry) {
        if (!waiting.offer(entry)) {
            lost.increment();
            if (warnings.take(WARNINGS_PER_SECOND, 1, System.nanoTime()).isPresent()) {
                return;
            }
            LOG.warnf(
                    "entries of the audit log are lost, because %d wait for the database: %s %s",
                    WAITING_MAX, entry.actor(), entry.action());
        }
    }

    private void storeAll() throws InterruptedException {
        waiting.drainTo(batch, BATCH_MAX - batch.size());
        while (!batch.isEmpty()) {
            List<AuditEntry> entries = List.copyOf(batch);
            Await.infrastructure(
                    "storing the audit log",
                    transactions.futureWithoutTenant(connection -> AuditAppend.append(connection, entries)),
                    ANSWER_MAX);
            batch.clear();
            waiting.drainTo(batch, BATCH_MAX);
        }
    }
}
