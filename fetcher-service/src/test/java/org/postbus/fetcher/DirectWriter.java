package org.postbus.fetcher;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.postbus.devstack.postgres.Database;
import org.postbus.fetcher.publish.EncodedBatch;
import org.postbus.model.AccountId;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;

/**
 * Replaces Kafka: acknowledges a batch at once and passes it to the real writer, in order. A batch that is too large,
 * a duplicate, after a gap, or that cannot be applied, is a breach of the contract; the first breach is kept for the test.
 */
public final class DirectWriter implements AutoCloseable {
    private final ExecutorService applying =
            Executors.newSingleThreadExecutor(Thread.ofVirtual().factory());
    private final DirectApplier writer;
    private final List<ObservationBatch> applied = new CopyOnWriteArrayList<>();
    private final AtomicReference<Throwable> breach = new AtomicReference<>();
    private volatile boolean held;
    private volatile boolean kept = true;
    private final AtomicInteger deaths = new AtomicInteger();

    DirectWriter(Vertx vertx, Database database) {
        writer = new DirectApplier(vertx, database);
    }

    public Uni<Void> accept(EncodedBatch batch) {
        if (deaths.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new StackOverflowError("as a bug would cause it");
        }
        applying.execute(() -> {
            try {
                while (held) {
                    Thread.sleep(5);
                }
                apply(batch);
            } catch (InterruptedException closed) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException | Error e) {
                breach.compareAndSet(null, e);
            }
        });
        return Uni.createFrom().voidItem();
    }

    private void apply(EncodedBatch encoded) {
        if (encoded.json().length > ObservationBatch.BYTES_MAX) {
            throw new AssertionError("a batch of " + encoded.json().length + " bytes");
        }
        ObservationBatch batch = DirectApplier.decode(encoded.json());
        if (batch.observations().isEmpty()) {
            throw new AssertionError("an empty batch");
        }
        if (writer.apply(batch) && kept) {
            applied.add(batch);
        }
    }

    /** While it is held, nothing is applied. */
    public void hold(boolean held) {
        this.held = held;
    }

    /** Who sends one of the next batches dies. */
    public void dieOnNext(int batches) {
        deaths.set(batches);
    }

    /** {@link #applied} does not keep what is applied from now on. */
    public void keepNothing() {
        kept = false;
    }

    public List<ObservationBatch> applied() {
        return applied;
    }

    public List<Observation> observations() {
        return applied.stream().flatMap(batch -> batch.observations().stream()).toList();
    }

    public void assertNoBreach() {
        if (breach.get() != null) {
            throw new AssertionError("the contract was broken", breach.get());
        }
    }

    @FunctionalInterface
    public interface RowUse {
        void use(ResultSet row) throws SQLException;
    }

    public static void query(Database database, String sql, RowUse use, Object... arguments) {
        try (Connection connection = database.connectAsAdmin();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    use.use(rows);
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final String PATHS = """
            with recursive paths as (
              select account_id, mailbox_id, name as path, raw_name, selectable from mailbox where parent_id is null
              union all
              select m.account_id, m.mailbox_id, p.path || '.' || m.name, m.raw_name, m.selectable
              from mailbox m join paths p on m.account_id = p.account_id and m.parent_id = p.mailbox_id)
            """;

    /**
     * By mailbox (IMAP: its raw name, JMAP: the names from the root joined by dots) its messages as {@link #line}s, sorted, with
     * the keywords that they have in that mailbox.
     */
    public static Map<String, List<String>> content(Database database, AccountId account, boolean withUids) {
        Map<String, List<String>> content = new TreeMap<>();
        query(
                database,
                PATHS + "select coalesce(raw_name, path) from paths where account_id = ? and selectable",
                row -> content.put(row.getString(1), new ArrayList<>()),
                account.value());
        query(
                database,
                PATHS + """
                        select coalesce(p.raw_name, p.path), e.message_id, coalesce(l.keywords, e.keywords), l.uid
                        from email_mailbox l
                        join paths p using (account_id, mailbox_id) join email e using (account_id, email_id)
                        where account_id = ?""",
                row -> content.computeIfAbsent(row.getString(1), unused -> new ArrayList<>())
                        .add((withUids ? row.getLong(4) + " " : "")
                                + line(Optional.ofNullable(row.getString(2)).orElse(""), Set.of((String[])
                                        row.getArray(3).getArray()))),
                account.value());
        content.values().forEach(lines -> lines.sort(null));
        return content;
    }

    public static String line(String messageId, Set<String> keywords) {
        return messageId + " " + new TreeSet<>(keywords).stream().collect(Collectors.joining(","));
    }

    @Override
    public void close() throws InterruptedException {
        applying.shutdownNow();
        applying.awaitTermination(10, TimeUnit.SECONDS);
        writer.close();
    }
}
