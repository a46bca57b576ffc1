package org.postbus.gateway.config;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.ConfigProvider;
import org.postbus.kit.memory.MailMemory;
import org.postbus.kit.settings.Settings;

/** Limits the memory for what mail servers send to this service. */
@ApplicationScoped
class MemoryWiring {
    void start(@Observes StartupEvent event, MeterRegistry registry) {
        MailMemory.limit(Settings.of(ConfigProvider.getConfig()), registry);
    }
}
