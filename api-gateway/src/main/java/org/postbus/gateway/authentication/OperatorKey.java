package org.postbus.gateway.authentication;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;
import org.postbus.gateway.config.GatewayConfig;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;

/**
 * Registers the operator's key from the file that the operator names, at every start. The file's key replaces the one that it held before. The
 * service is ready only after that, so that the key works from then on.
 */
@Readiness
@ApplicationScoped
class OperatorKey implements HealthCheck {
    private static final Logger LOG = Logger.getLogger(OperatorKey.class);
    private static final Pattern KEY = Pattern.compile("pb_[A-Za-z0-9_-]{43,190}");
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

    private final TenantTransactions transactions;
    private final Optional<byte[]> hash;
    private final PeriodicJob job = new PeriodicJob("operator-key", PAUSE, this::register);
    private volatile boolean registered;

    /** @throws IllegalArgumentException if the file can not be read or holds no key */
    OperatorKey(TenantTransactions transactions, GatewayConfig config) {
        this.transactions = transactions;
        this.hash = config.operatorKeyFile().map(OperatorKey::read).map(ApiKeys::sha256);
        this.registered = hash.isEmpty();
    }

    void start(@Observes StartupEvent event) {
        if (!registered) {
            job.start();
        }
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("operator key is registered")
                .status(registered)
                .build();
    }

    private void register() throws InterruptedException {
        if (registered) {
            return;
        }
        boolean changed = Await.infrastructure(
                "registering the operator key",
                transactions.futureWithoutTenant(connection -> connection
                        .preparedQuery("select register_operator_key($1)")
                        .execute(Tuple.of(Buffer.buffer(hash.orElseThrow())))
                        .map(rows -> rows.iterator().next().getBoolean(0))),
                ANSWER_MAX);
        registered = true;
        LOG.infof("the operator key is registered%s", changed ? " for the first time" : "");
        Thread.ofVirtual().start(job::close);
    }

    private static String read(Path file) {
        try {
            String key = Files.readString(file).strip();
            if (!KEY.matcher(key).matches()) {
                throw new IllegalArgumentException("POSTBUS_OPERATOR_KEY_FILE: " + file
                        + " must hold pb_ and at least 43 letters, digits, - or _ and nothing else");
            }
            return key;
        } catch (IOException e) {
            throw new IllegalArgumentException("POSTBUS_OPERATOR_KEY_FILE: " + file + " can not be read", e);
        }
    }
}
