package org.postbus.gateway.authentication;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * Requests that last long, event streams and downloads, and their credentials. Every {@link #PERIOD} the database is asked which of these keys and
 * tenants are still valid; the requests of the others are ended. While the database is unavailable nothing ends: nobody can revoke
 * anything then.
 */
@ApplicationScoped
public class OpenUses {
    static final Duration PERIOD = Duration.ofSeconds(2);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

    private final TenantTransactions transactions;
    private final Map<Use, Runnable> open = new ConcurrentHashMap<>();
    private final PeriodicJob job = new PeriodicJob("open-uses", PERIOD, this::endUnauthorized);

    OpenUses(TenantTransactions transactions) {
        this.transactions = transactions;
    }

    /** Must be closed when the request has ended. */
    public final class Use implements AutoCloseable {
        private final Identity identity;

        private Use(Identity identity) {
            this.identity = identity;
        }

        /** @param end called at most once, when the credential is no longer valid. Must not block */
        public void whenRevoked(Runnable end) {
            open.put(this, end);
        }

        @Override
        public void close() {
            open.remove(this);
        }
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    /** The caller says next what ends the request: {@link Use#whenRevoked}. */
    public Use begin(Identity identity) {
        return new Use(identity);
    }

    private void endUnauthorized() throws InterruptedException {
        List<Use> uses = List.copyOf(open.keySet());
        if (uses.isEmpty()) {
            return;
        }
        Set<UUID> keys = usable(
                "select key_id from usable_keys($1)",
                uses.stream().flatMap(use -> ApiKeys.keyOf(use.identity.actor()).stream()));
        Set<UUID> tenants = usable(
                "select tenant_id from usable_tenants($1)",
                uses.stream().flatMap(use -> use.identity.tenant().map(TenantId::value).stream()));
        Instant now = Instant.now();
        for (Use use : uses) {
            Identity identity = use.identity;
            boolean valid = !identity.isExpired(now)
                    && ApiKeys.keyOf(identity.actor()).map(keys::contains).orElse(true)
                    && identity.tenant()
                            .map(TenantId::value)
                            .map(tenants::contains)
                            .orElse(true);
            if (!valid) {
                Runnable end = open.remove(use);
                if (end != null) {
                    end.run();
                }
            }
        }
    }

    private Set<UUID> usable(String query, java.util.stream.Stream<UUID> ids) throws InterruptedException {
        UUID[] asked = ids.distinct().toArray(UUID[]::new);
        if (asked.length == 0) {
            return Set.of();
        }
        RowSet<Row> rows = Await.infrastructure(
                "checking the keys of open requests",
                transactions.futureWithoutTenant(
                        connection -> connection.preparedQuery(query).execute(Tuple.of(asked))),
                ANSWER_MAX);
        Set<UUID> usable = new HashSet<>();
        rows.forEach(row -> usable.add(row.getUUID(0)));
        return usable;
    }
}
