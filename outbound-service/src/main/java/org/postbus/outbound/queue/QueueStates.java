package org.postbus.outbound.queue;

import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;

/**
 * How many items of all tenants wait in the queues, and for how long. Counted periodically, for gauges. Every process of this service reports
 * the same numbers.
 */
public final class QueueStates implements AutoCloseable {

    /** A queue and a state in which items wait: for this service, for a server, for confirmation or for a user. */
    record Key(String queue, String state) {}

    static final List<Key> KEYS = List.of(
            new Key("mutations", "queued"),
            new Key("mutations", "sending"),
            new Key("mutations", "applied"),
            new Key("mutations", "failed"),
            new Key("mutations", "in-doubt"),
            new Key("submissions", "queued"),
            new Key("submissions", "sending"),
            new Key("submissions", "failed"),
            new Key("submissions", "in-doubt"));

    private record Size(long items, Instant oldest) {}

    private final TenantTransactions database;
    private final PeriodicJob job;
    private volatile Map<Key, Size> sizes = Map.of();

    /** @param pause between two counts */
    public QueueStates(TenantTransactions database, Duration pause) {
        this.database = database;
        this.job = new PeriodicJob("queue-states", pause, this::count);
    }

    public void start() {
        job.startAfterPause();
    }

    void count() {
        Map<Key, Size> found = new HashMap<>();
        for (Row row : database.query("select queue, state, items, oldest from queue_states()", Tuple.tuple())) {
            found.put(
                    new Key(row.getString("queue"), row.getString("state")),
                    new Size(
                            row.getLong("items"),
                            row.getOffsetDateTime("oldest").toInstant()));
        }
        sizes = Map.copyOf(found);
    }

    long items(Key key) {
        Size size = sizes.get(key);
        return size == null ? 0 : size.items();
    }

    /** Seconds since the oldest item was requested or due to be sent; 0 if there is none. */
    double oldestSeconds(Key key, Instant now) {
        Size size = sizes.get(key);
        return size == null
                ? 0
                : Math.max(0, Duration.between(size.oldest(), now).toMillis() / 1e3);
    }

    @Override
    public void close() {
        job.close();
    }
}
