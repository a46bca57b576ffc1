package org.postbus.kit.keyset;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.account.cipher.Keyset;
import org.postbus.kit.concurrent.PeriodicJob;

/**
 * Reads the keyset file again every {@value #PAUSE_SECONDS} s, so that a rotation needs no restart. If that fails, the keyset in use stays. The file is
 * polled because mounted secrets are replaced by links, of which file notifications report nothing.
 */
public final class KeysetRefresh implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(KeysetRefresh.class);
    private static final int PAUSE_SECONDS = 10;

    private final CredentialCipher cipher;
    private final Counter failures;
    private final PeriodicJob job = new PeriodicJob("keyset", Duration.ofSeconds(PAUSE_SECONDS), this::refresh);

    private KeysetRefresh(CredentialCipher cipher, MeterRegistry registry) {
        this.cipher = cipher;
        this.failures = registry.counter("postbus.keyset.refresh.failures");
        Gauge.builder("postbus.keyset.keys", () -> cipher.keyset().keys().size())
                .strongReference(true)
                .register(registry);
        Gauge.builder("postbus.keyset.primary", () -> cipher.keyset().primary().unsigned())
                .strongReference(true)
                .register(registry);
        log("loaded", cipher.keyset());
    }

    public static KeysetRefresh start(CredentialCipher cipher, MeterRegistry registry) {
        KeysetRefresh refresh = new KeysetRefresh(cipher, registry);
        refresh.job.startAfterPause();
        return refresh;
    }

    void refresh() {
        try {
            if (cipher.refresh()) {
                log("changed", cipher.keyset());
            }
        } catch (IllegalStateException e) {
            failures.increment();
            LOG.warnf("the keyset in use stays: %s", e.getMessage());
        }
    }

    /** Ids are no secrets. */
    private static void log(String what, Keyset keyset) {
        LOG.infof("keyset %s: %d keys, primary %s", what, keyset.keys().size(), keyset.primary());
    }

    @Override
    public void close() {
        job.close();
    }
}
