package org.postbus.fetcher.source;

/** Why an account's loop begins a pass. */
public enum WakeKind {
    /** The server pushed a notification. */
    PUSH("push"),
    /** A sync request: from a user, or from outbound-service after it applied a mutation. */
    SYNC_REQUEST("record"),
    /** The polling interval has passed. */
    TIMER("timer");

    private final String metricName;

    WakeKind(String metricName) {
        this.metricName = metricName;
    }

    /** The value of the tag {@code kind} of {@code postbus.fetcher.wakeups}. */
    public String metricName() {
        return metricName;
    }
}
