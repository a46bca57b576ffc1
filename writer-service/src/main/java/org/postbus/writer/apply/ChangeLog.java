package org.postbus.writer.apply;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.change.ChangeEvent;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.AccountSync;
import org.postbus.writer.decide.ChangedObject;
import org.postbus.writer.decide.OpenMutation;
import org.postbus.writer.table.ChangeLogTable;
import org.postbus.writer.table.ChangeRow;
import org.postbus.writer.table.PendingChangesTable;

/** The changes of one transaction. Appends them to {@code change_log} under the account's next sequence numbers, each with its origin. */
final class ChangeLog {
    /** More changes are written at once, so that a batch that empties a huge mailbox does not fill the memory. */
    private static final int BUFFERED_MAX = 1000;
    /** Of rows that are passed to the publisher, which reads the others from the table. */
    private static final long FIRST_ROWS_BYTES_MAX = 4L * 1024 * 1024;

    private final Transaction transaction;
    private final TenantId tenant;
    private final AccountId account;
    private final AccountSync sync;
    private final Supplier<UUID> ids;
    private final OffsetDateTime at;
    private final List<Change> buffered = new ArrayList<>();
    private final List<ChangeRow> firstRows = new ArrayList<>();
    private long bytes;
    private long count;

    /** @param sync allocates the sequence numbers */
    ChangeLog(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            AccountSync sync,
            Supplier<UUID> ids,
            Instant now) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.account = account;
        this.sync = sync;
        this.ids = ids;
        this.at = now.truncatedTo(ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
    }

    void add(Change change) {
        buffered.add(change);
        if (buffered.size() >= BUFFERED_MAX) {
            flush();
        }
    }

    /** Writes the buffered changes. */
    void flush() {
        if (buffered.isEmpty()) {
            return;
        }
        List<OpenMutation> mutations = mutationsOfChangedEmails();
        List<ChangeRow> rows = new ArrayList<>(buffered.size());
        for (Change change : buffered) {
            long seq = sync.append(change);
            Optional<UUID> object = ChangedObject.idOf(change);
            ChangeEvent event = new ChangeEvent(tenant, account, seq, origin(change, object, mutations), change);
            rows.add(new ChangeRow(seq, ids.get(), ChangeEvent.typeOf(change), object, EventCodec.encode(event), at));
        }
        ChangeLogTable.insert(transaction, tenant, account, rows, at);
        buffered.clear();
        count += rows.size();
        for (ChangeRow row : rows) {
            bytes += row.data().length;
            if (bytes <= FIRST_ROWS_BYTES_MAX) {
                firstRows.add(row);
            }
        }
    }

    /** The number of rows that have been written. */
    long count() {
        return count;
    }

    /** The first rows that were written, without a gap between them. They are in the database only when the transaction is committed. */
    List<ChangeRow> firstRows() {
        return firstRows;
    }

    private static Origin origin(Change change, Optional<UUID> object, List<OpenMutation> mutations) {
        return object.flatMap(id -> mutations.stream()
                        .filter(mutation -> mutation.emailId().equals(id) && mutation.isFulfilledBy(change))
                        .findFirst())
                .<Origin>map(mutation -> new Origin.Postbus(mutation.mutationId()))
                .orElseGet(Origin.Server::new);
    }

    private List<OpenMutation> mutationsOfChangedEmails() {
        Set<UUID> changed = new LinkedHashSet<>();
        for (Change change : buffered) {
            if (change instanceof EmailUpdated || change instanceof EmailDestroyed) {
                ChangedObject.idOf(change).ifPresent(changed::add);
            }
        }
        return changed.isEmpty() ? List.of() : PendingChangesTable.inProgress(transaction, account, changed);
    }
}
