package org.postbus.writer.publish;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.postbus.model.AccountId;
import org.postbus.writer.table.ChangeOutboxTable.Due;
import org.postbus.writer.table.ChangeRow;

/**
 * Rows of {@code change_log} that this process has just committed, so that they are published without being read back. It is an optimisation
 * only: rows that are not here are read from the table.
 */
final class CommittedRows {
    /** Of all accounts together. Further rows, while nothing can be published, are read from the table later. */
    static final long BYTES_MAX = 16L * 1024 * 1024;

    private final ConcurrentHashMap<AccountId, Deque<ChangeRow>> rows = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();

    /** @param committed in order, after all rows of the account that were added before */
    void add(AccountId account, List<ChangeRow> committed) {
        long size = bytes(committed);
        if (committed.isEmpty() || bytes.addAndGet(size) > BYTES_MAX) {
            bytes.addAndGet(-size);
            return;
        }
        rows.compute(account, (key, waiting) -> {
            Deque<ChangeRow> all = waiting == null ? new ArrayDeque<>() : waiting;
            all.addAll(committed);
            return all;
        });
    }

    /** Takes the first rows of the range, without a gap between them, and drops all rows before it. */
    List<ChangeRow> take(AccountId account, Due due, int most) {
        List<ChangeRow> taken = new ArrayList<>();
        rows.computeIfPresent(account, (key, waiting) -> {
            while (!waiting.isEmpty() && waiting.getFirst().seq() < due.first()) {
                bytes.addAndGet(-waiting.removeFirst().data().length);
            }
            while (!waiting.isEmpty()
                    && taken.size() < most
                    && waiting.getFirst().seq() == due.first() + taken.size()
                    && waiting.getFirst().seq() <= due.last()) {
                taken.add(waiting.removeFirst());
            }
            bytes.addAndGet(-bytes(taken));
            return waiting.isEmpty() ? null : waiting;
        });
        return taken;
    }

    /** Drops the rows of the account. */
    void drop(AccountId account) {
        Deque<ChangeRow> left = rows.remove(account);
        if (left != null) {
            bytes.addAndGet(-bytes(left));
        }
    }

    long bytes() {
        return bytes.get();
    }

    private static long bytes(Iterable<ChangeRow> rows) {
        long sum = 0;
        for (ChangeRow row : rows) {
            sum += row.data().length;
        }
        return sum;
    }
}
