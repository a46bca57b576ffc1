package org.postbus.gateway.quota;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * Measures what is stored for a tenant and stores the result in {@code tenant_storage}: in the background, one account after the other, for
 * tenants that asked for it, and not again within {@link #VALID}. Thread-safe.
 */
@ApplicationScoped
public class StoredBytes {
    static final Duration VALID = Duration.ofMinutes(10);
    /** Those that wait to be measured; more are measured when they ask again. */
    private static final int WAITING_MAX = 10_000;

    private static final Duration PAUSE = Duration.ofHours(1);

    /** Nobody waits for a measurement. */
    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);

    private final TenantTransactions transactions;
    private final Set<TenantId> waiting = new LinkedHashSet<>();
    private final PeriodicJob job;

    StoredBytes(TenantTransactions transactions) {
        this.transactions = transactions.withAnswerMax(ANSWER_MAX);
        this.job = new PeriodicJob("stored-bytes", PAUSE, this::measureWaiting);
    }

    void start(@Observes StartupEvent event) {
        job.startAfterPause();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    /** Never blocks. */
    public void measureSoon(TenantId tenant) {
        synchronized (waiting) {
            if (waiting.size() >= WAITING_MAX || !waiting.add(tenant)) {
                return;
            }
        }
        job.runNow();
    }

    private void measureWaiting() throws InterruptedException {
        for (Optional<TenantId> tenant = next(); tenant.isPresent() && !job.isStopped(); tenant = next()) {
            measure(tenant.get());
        }
    }

    private Optional<TenantId> next() {
        synchronized (waiting) {
            Optional<TenantId> first = waiting.stream().findFirst();
            first.ifPresent(waiting::remove);
            return first;
        }
    }

    private void measure(TenantId tenant) throws InterruptedException {
        if (isValid(tenant)) {
            return;
        }
        long bytes = 0;
        for (UUID account : accounts(tenant)) {
            bytes += transactions.runInterruptibly(
                    "measuring an account",
                    tenant,
                    connection -> connection
                            .preparedQuery("select stored_bytes_of($1)")
                            .execute(Tuple.of(account))
                            .map(rows -> rows.iterator().next().getLong(0)));
        }
        Tuple measured = Tuple.of(tenant.value(), bytes);
        transactions.runInterruptibly(
                "storing a measurement",
                tenant,
                connection -> connection.preparedQuery("""
                        insert into tenant_storage (tenant_id, bytes, measured_at) values ($1, $2, now())
                        on conflict (tenant_id) do update set bytes = excluded.bytes, measured_at = now()""").execute(measured));
    }

    private boolean isValid(TenantId tenant) throws InterruptedException {
        return transactions.runInterruptibly(
                "reading a measurement",
                tenant,
                connection -> connection
                        .query("select from tenant_storage where measured_at > now() - interval '" + VALID.toSeconds()
                                + " seconds'")
                        .execute()
                        .map(rows -> rows.size() > 0));
    }

    private List<UUID> accounts(TenantId tenant) throws InterruptedException {
        return transactions.runInterruptibly(
                "listing accounts",
                tenant,
                (SqlConnection connection) -> connection
                        .preparedQuery("select account_id from account")
                        .execute()
                        .map(rows -> {
                            List<UUID> accounts = new ArrayList<>(rows.size());
                            for (Row row : rows) {
                                accounts.add(row.getUUID(0));
                            }
                            return accounts;
                        }));
    }
}
