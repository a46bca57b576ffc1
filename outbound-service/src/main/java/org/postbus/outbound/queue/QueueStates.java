package org.postbus.outbound.queue;

import org.postbus.kit.InfrastructureFailureException;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;
import org.postbus.kit.sql.TenantTransactions;

/**
 * How much waits in the queues of all tenants, and for how long, looked at now and then for gauges. Every process of this service
 * reports the same.
 */
public final class QueueStates implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(QueueStates.class);

    /** A queue and a state in which something waits: for us, for a server, for its echo or for a person. */
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

    private final Vertx vertx;
    private final TenantTransactions database;
    private final Duration pause;
    private volatile Map<Key, Size> sizes = Map.of();
    private volatile boolean closed;

    public QueueStates(Vertx vertx, TenantTransactions database, Duration pause) {
        this.vertx = vertx;
        this.database = database;
        this.pause = pause;
    }

    public void start() {
        vertx.setTimer(
                pause.toMillis(), due -> Thread.ofVirtual().name("queue-states").start(this::lookAndGoOn));
    }

    private void lookAndGoOn() {
        if (closed) {
            return;
        }
        try {
            look();
        } catch (InfrastructureFailureException e) {
            LOG.warnf("the queues could not be counted: %s", e.getMessage());
        }
        start();
    }

    void look() {
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

    /** Seconds since the oldest was asked for, or was to be sent; 0 if there is none. */
    double oldestSeconds(Key key, Instant now) {
        Size size = sizes.get(key);
        return size == null
                ? 0
                : Math.max(0, Duration.between(size.oldest(), now).toMillis() / 1e3);
    }

    @Override
    public void close() {
        closed = true;
    }
}
