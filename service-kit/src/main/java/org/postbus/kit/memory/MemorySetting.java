package org.postbus.kit.memory;

import org.postbus.kit.settings.Settings;

/** How many bytes of memory a service has for what mail servers send. */
public final class MemorySetting {
    private static final String NAME = "postbus.mail.bytes-held-max";
    private static final long BYTES_MIN = 1 << 20;

    private MemorySetting() {}

    /**
     * @param otherwise if it is not set
     * @throws IllegalArgumentException if it is no number, or less than 1 MiB
     */
    public static long bytesHeldMax(Settings settings, long otherwise) {
        return settings.find(NAME).map(MemorySetting::parsed).orElse(otherwise);
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
