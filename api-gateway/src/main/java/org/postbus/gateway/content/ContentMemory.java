package org.postbus.gateway.content;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.eclipse.microprofile.config.ConfigProvider;
import org.postbus.kit.memory.MemoryMetrics;
import org.postbus.kit.memory.MemorySetting;
import org.postbus.kit.settings.Settings;
import org.postbus.mail.memory.HeldBytes;

/** Limits the memory for what mail servers send to this service. */
@ApplicationScoped
class ContentMemory {
    void start(@Observes StartupEvent event, MeterRegistry registry) {
        HeldBytes.OF_PROCESS.limit(
                MemorySetting.bytesHeldMax(Settings.of(ConfigProvider.getConfig()), HeldBytes.quarterOfHeap()));
        MemoryMetrics.watch(
                registry, HeldBytes.OF_PROCESS::held, HeldBytes.OF_PROCESS::max, HeldBytes.OF_PROCESS::ended);
    }
}
