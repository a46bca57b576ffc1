package org.postbus.kit.memory;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.postbus.kit.settings.Settings;
import org.postbus.mail.memory.HeldBytes;

/** The memory that this process has for what mail servers send. */
public final class MailMemory {
    private static final String NAME = "postbus.mail.bytes-held-max";
    private static final long BYTES_MIN = 1 << 20;

    private MailMemory() {}

    /**
     * Sets the limit, a quarter of the heap unless there is a setting, and registers the metrics.
     *
     * @throws IllegalArgumentException if the setting is no number, or less than 1 MiB
     */
    public static void limit(Settings settings, MeterRegistry registry) {
        HeldBytes.OF_PROCESS.limit(settings.find(NAME).map(MailMemory::parsed).orElse(HeldBytes.quarterOfHeap()));
        Gauge.builder("postbus.mail.held", HeldBytes.OF_PROCESS, HeldBytes::held)
                .baseUnit("bytes")
                .description("Memory that holds what mail servers sent")
                .register(registry);
        Gauge.builder("postbus.mail.held.max", HeldBytes.OF_PROCESS, HeldBytes::max)
                .baseUnit("bytes")
                .description("The most that it may be")
                .register(registry);
        FunctionCounter.builder("postbus.mail.holders.ended", HeldBytes.OF_PROCESS, HeldBytes::ended)
                .description("Connections to mail servers that were ended because they held the most of it")
                .register(registry);
    }

    private static long parsed(String text) {
        long bytes;
        try {
            bytes = Long.parseLong(text);
        } catch (NumberFormatException notANumber) {
            throw new IllegalArgumentException(Settings.variable(NAME) + " must be a number of bytes, not " + text);
        }
        if (bytes < BYTES_MIN) {
            throw new IllegalArgumentException(
                    Settings.variable(NAME) + " must be at least " + BYTES_MIN + " bytes, not " + text);
        }
        return bytes;
    }
}
