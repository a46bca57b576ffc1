package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code change_log}: every effective change of an account, in order and without a gap. */
public final class ChangeLogTable {
    private ChangeLogTable() {}

    /** @param at the time of all rows */
    public static void insert(
            Transaction transaction, TenantId tenant, AccountId account, List<ChangeRow> rows, OffsetDateTime at) {
        transaction.send(
                """
                insert into change_log (account_id, tenant_id, seq, event_id, type, object_id, data, at)
                select $1, $2, n.seq, n.event_id, n.type, n.object_id, convert_from(n.data, 'UTF8'), $8
                from unnest($3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::bytea[])
                  n(seq, event_id, type, object_id, data)""",
                account.value(),
                tenant.value(),
                column(rows, ChangeRow::seq, Long[]::new),
                column(rows, ChangeRow::eventId, UUID[]::new),
                column(rows, ChangeRow::type, String[]::new),
                column(rows, row -> row.objectId().orElse(null), UUID[]::new),
                column(rows, row -> Buffer.buffer(row.data()), Buffer[]::new),
                at);
    }

    /**
     * @param first the lowest sequence number
     * @param last the highest one
     * @return at most {@code most} rows, in order
     */
    public static List<ChangeRow> read(Transaction transaction, AccountId account, long first, long last, int most) {
        List<ChangeRow> rows = new ArrayList<>();
        for (Row row : transaction.run("""
                select seq, event_id, type, object_id, data, at from change_log
                where account_id = $1 and seq between $2 and $3 order by seq limit $4""", account.value(), first, last, (long) most)) {
            rows.add(new ChangeRow(
                    row.getLong("seq"),
                    row.getUUID("event_id"),
                    row.getString("type"),
                    Optional.ofNullable(row.getUUID("object_id")),
                    row.getString("data").getBytes(StandardCharsets.UTF_8),
                    row.getOffsetDateTime("at")));
        }
        return rows;
    }
}
