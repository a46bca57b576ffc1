package org.postbus.writer;

import static org.postbus.writer.MailboxTable.column;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.postbus.event.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.TenantId;

/** {@code email_body}. A body never changes, and the gateway may have been the first to fetch it. */
final class EmailBodyTable {
    private EmailBodyTable() {}

    static void insert(
            Transaction transaction,
            TenantId tenant,
            AccountId account,
            List<Map.Entry<EmailEntry, EmailBody>> bodies) {
        transaction.send(
                """
                insert into email_body (account_id, tenant_id, email_id, body)
                select $1, $2, n.email_id, n.body::jsonb from unnest($3::uuid[], $4::text[]) n(email_id, body)
                on conflict (account_id, email_id) do nothing""",
                account.value(),
                tenant.value(),
                column(bodies, entry -> entry.getKey().id(), UUID[]::new),
                column(bodies, entry -> EventCodec.encodeToString(entry.getValue()), String[]::new));
    }
}
