package org.postbus.bench.latency;

import java.time.Duration;
import java.time.Instant;
import org.postbus.bench.measure.MarkedRecords;

/**
 * The times of one message.
 *
 * @param sent before the command that stores the message
 * @param notification when the server notified the raw connection
 * @param observation its record on {@code postbus.observations}
 * @param change its record on {@code postbus.changes}
 */
record Arrival(
        ArrivalPath path,
        Instant sent,
        Instant notification,
        MarkedRecords.Seen observation,
        MarkedRecords.Seen change) {
    Duration eventAfterNotification() {
        return Duration.between(notification, change.received());
    }
}
