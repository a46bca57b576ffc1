package org.postbus.writer.table;

import static org.postbus.writer.table.MailboxTable.column;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.TenantId;
import org.postbus.writer.decide.EmailEntry;

/**
 * {@code email_body}. A body never changes, and the gateway may have been the first to fetch it. Bodies are most of what is stored, so
 * they stay bytes from the record to the column: as text they would be decoded and encoded once more on their way.
 */
public final class EmailBodyTable {
    private EmailBodyTable() {}

    public static void insert(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            List<Map.Entry<EmailEntry, EmailBody>> bodies) {
        transaction.send(
                """
                insert into email_body (account_id, tenant_id, email_id, body)
                select $1, $2, n.email_id, convert_from(n.body, 'UTF8')::json
                from unnest($3::uuid[], $4::bytea[]) n(email_id, body)
                on conflict (account_id, email_id) do nothing""",
                account.value(),
                tenant.value(),
                column(bodies, entry -> entry.getKey().id(), UUID[]::new),
                column(bodies, entry -> Buffer.buffer(EventCodec.encode(entry.getValue())), Buffer[]::new));
    }
}
