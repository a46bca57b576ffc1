package org.postbus.gateway.authentication;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;

/** Stores when keys were last used: together, beside the requests, and at most once a minute for each key. */
@ApplicationScoped
class KeyUses {
    private static final Duration PAUSE = Duration.ofSeconds(30);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(20);
    /** Further keys are stored at their next use after the pause. */
    private static final int KEYS_MAX = 10_000;

    private final TenantTransactions transactions;
    private final Set<UUID> used = ConcurrentHashMap.newKeySet();
    private final PeriodicJob job = new PeriodicJob("key-uses", PAUSE, this::store);

    KeyUses(TenantTransactions transactions) {
        this.transactions = transactions;
    }

    void start(@Observes StartupEvent event) {
        job.startAfterPause();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    /** Never blocks. */
    void used(Identity identity) {
        ApiKeys.keyOf(identity.actor()).filter(key -> used.size() < KEYS_MAX).ifPresent(used::add);
    }

    private void store() throws InterruptedException {
        UUID[] keys = used.toArray(UUID[]::new);
        if (keys.length == 0) {
            return;
        }
        Await.infrastructure(
                "storing the last uses of keys",
                transactions.futureWithoutTenant(connection ->
                        connection.preparedQuery("select keys_used($1)").execute(Tuple.of(keys))),
                ANSWER_MAX);
        for (UUID key : keys) {
            used.remove(key);
        }
    }
}
