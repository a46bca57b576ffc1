package org.postbus.gateway.topic;

import java.time.Duration;

/** Limits of all sends. */
public final class Sends {
    /**
     * The time in which a send ends. The settings of the producer in application.properties lead to at most 10 s: the connector begins
     * its last try at most delivery.timeout.ms (4 s) after the first, and a try takes at most max.block.ms + delivery.timeout.ms.
     * Less than the 15 s after which PostgreSQL ends an idle transaction: AccountPublisher waits for sends in one.
     */
    public static final Duration MAX = Duration.ofSeconds(12);

    private Sends() {}
}
