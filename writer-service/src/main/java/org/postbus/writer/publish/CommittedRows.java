package org.postbus.writer.publish;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.postbus.model.AccountId;
import org.postbus.writer.table.ChangeLogTable.Due;
import org.postbus.writer.table.ChangeLogTable.Row;
import org.postbus.writer.table.ChangeLogTable;

/**
 * Rows of {@code change_log} that this process has just committed, so that they need not be read back to be published. Only a
 * shortcut: whatever is not here, or not here without a gap, is in the table.
 */
final class CommittedRows {
    /** Of all accounts together; while nothing can be published, what comes on top is left to the table. */
    static final long OCTETS_MAX = 16L * 1024 * 1024;

    private final ConcurrentHashMap<AccountId, Deque<Row>> rows = new ConcurrentHashMap<>();
    private final AtomicLong octets = new AtomicLong();

    /** @param committed in order, and after all that were added before */
    void add(AccountId account, List<Row> committed) {
        long size = octets(committed);
        if (committed.isEmpty() || octets.addAndGet(size) > OCTETS_MAX) {
            octets.addAndGet(-size);
            return;
        }
        rows.compute(account, (key, waiting) -> {
            Deque<Row> all = waiting == null ? new ArrayDeque<>() : waiting;
            all.addAll(committed);
            return all;
        });
    }

    /** The first rows that are due, without a gap between them; they and all before them are forgotten. */
    List<Row> take(AccountId account, Due due, int most) {
        List<Row> taken = new ArrayList<>();
        rows.computeIfPresent(account, (key, waiting) -> {
            while (!waiting.isEmpty() && waiting.getFirst().seq() < due.first()) {
                octets.addAndGet(-waiting.removeFirst().data().length);
            }
            while (!waiting.isEmpty()
                    && taken.size() < most
                    && waiting.getFirst().seq() == due.first() + taken.size()
                    && waiting.getFirst().seq() <= due.last()) {
                taken.add(waiting.removeFirst());
            }
            octets.addAndGet(-octets(taken));
            return waiting.isEmpty() ? null : waiting;
        });
        return taken;
    }

    /** Nothing of the account is due any more. */
    void forget(AccountId account) {
        Deque<Row> left = rows.remove(account);
        if (left != null) {
            octets.addAndGet(-octets(left));
        }
    }

    long octets() {
        return octets.get();
    }

    private static long octets(Iterable<Row> rows) {
        long sum = 0;
        for (Row row : rows) {
            sum += row.data().length;
        }
        return sum;
    }
}
