package org.postbus.gateway.config;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.ConfigProvider;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.kit.keyset.KeysetRefresh;
import org.postbus.kit.keyset.KeysetSettings;
import org.postbus.kit.settings.Settings;

/** Reads the keyset when the service starts, and again when the file changes. Without a keyset the service does not start. */
@ApplicationScoped
class KeysetWiring {
    private final CredentialCipher cipher =
            KeysetSettings.of(Settings.of(ConfigProvider.getConfig())).open();
    private final KeysetRefresh refresh;

    KeysetWiring(MeterRegistry registry) {
        refresh = KeysetRefresh.start(cipher, registry);
    }

    @Produces
    @Singleton
    CredentialCipher cipher() {
        return cipher;
    }

    /** At the start and not at the first use, which would block an event loop. */
    void start(@Observes StartupEvent event) {}

    void stop(@Observes ShutdownEvent event) {
        refresh.close();
    }
}
