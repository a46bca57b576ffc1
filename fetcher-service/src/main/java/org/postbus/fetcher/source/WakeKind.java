package org.postbus.fetcher.source;

import java.util.Locale;

/** Why a loop looks again. */
public enum WakeKind {
    /** The server said that something happened. */
    PUSH,
    /** A record of {@code postbus.accounts} asked for it: a person, or outbound-service after it changed something. */
    RECORD,
    /** Nothing was heard for a polling interval. */
    TIMER;

    public String metricName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
