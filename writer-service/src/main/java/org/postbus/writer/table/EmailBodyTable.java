package org.postbus.writer.table;

import static org.postbus.writer.table.Columns.column;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.EmailDifference.BodyRow;

/**
 * {@code email_body}. A body never changes, and the gateway may have fetched and stored it before. Bodies are most of the data, so they are sent
 * as bytes; as text they would be decoded and encoded once more.
 */
public final class EmailBodyTable {
    private EmailBodyTable() {}

    public static void insert(Transaction transaction, TenantId tenant, AccountId account, List<BodyRow> bodies) {
        transaction.send(
                """
                insert into email_body (account_id, tenant_id, email_id, body)
                select $1, $2, n.email_id, convert_from(n.body, 'UTF8')::json
                from unnest($3::uuid[], $4::bytea[]) n(email_id, body)
                on conflict (account_id, email_id) do nothing""",
                account.value(),
                tenant.value(),
                column(bodies, BodyRow::emailId, UUID[]::new),
                column(bodies, row -> Buffer.buffer(EventCodec.encode(row.body())), Buffer[]::new));
    }
}
