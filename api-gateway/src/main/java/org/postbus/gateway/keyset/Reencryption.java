package org.postbus.gateway.keyset;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jboss.logging.Logger;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.Keyset;
import org.postbus.kit.concurrent.PeriodicJob;

/**
 * After a rotation, encrypts the credentials again that an old key encrypted. One transaction per credential, so an interrupted run loses nothing and
 * the next one continues; any number of gateways may do it at once. A gateway that has not loaded the new primary key yet does nothing: it
 * re-encrypts only what keys older than its primary one encrypted, never the other way round.
 */
@ApplicationScoped
class Reencryption {
    private static final Logger LOG = Logger.getLogger(Reencryption.class);
    private static final Duration PAUSE = Duration.ofSeconds(15);
    /** Accounts that one query finds. */
    private static final int PAGE = 200;

    private static final UUID BEFORE_ALL = new UUID(0, 0);

    private final CredentialCipher cipher;
    private final CredentialKeys credentials;
    private final MeterRegistry registry;
    private final PeriodicJob job = new PeriodicJob("reencryption", PAUSE, this::run);

    Reencryption(CredentialCipher cipher, CredentialKeys credentials, MeterRegistry registry) {
        this.cipher = cipher;
        this.credentials = credentials;
        this.registry = registry;
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    private void run() {
        Keyset keyset = cipher.keyset();
        List<KeyId> old = keyset.old();
        if (old.isEmpty()) {
            return;
        }
        int done = 0;
        int failed = 0;
        UUID after = BEFORE_ALL;
        List<CredentialKeys.Found> page = credentials.find(old, after, PAGE);
        while (!page.isEmpty() && !job.isStopped()) {
            for (CredentialKeys.Found found : page) {
                if (job.isStopped()) {
                    break;
                }
                try {
                    if (credentials.reencrypt(found, old)) {
                        done++;
                        count("done");
                    }
                } catch (IllegalStateException e) {
                    // It stays as it is, and keeps its key in the keyset; the others go on.
                    failed++;
                    count("failed");
                    LOG.errorf("not encrypted again: %s", e.getMessage());
                }
                after = found.account().value();
            }
            page = credentials.find(old, after, PAGE);
        }
        if (done > 0 || failed > 0) {
            LOG.infof("%d credentials encrypted again with key %s, %d failed", done, keyset.primary(), failed);
        }
    }

    private void count(String outcome) {
        registry.counter("postbus.gateway.reencrypted", "outcome", outcome).increment();
    }
}
