package org.postbus.writer.table;

import io.vertx.core.buffer.Buffer;
import java.util.Optional;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code quarantine}: the values of records that could not be decoded or applied. */
public final class QuarantineTable {
    private QuarantineTable() {}

    /** The records of the account that were quarantined within the last hour. */
    public static int recent(Transaction transaction, AccountId account) {
        return transaction
                .run("select quarantined_recently($1) as recent", account.value())
                .iterator()
                .next()
                .getInteger("recent");
    }

    /** @return the row's id */
    public static long insert(
            Transaction transaction,
            Optional<TenantId> tenant,
            Optional<AccountId> account,
            RecordPosition position,
            byte[] value,
            String reason) {
        transaction.send(
                """
                insert into quarantine (tenant_id, account_id, topic, partition, record_offset, value, reason)
                values ($1, $2, $3, $4, $5, $6, $7)""",
                tenant.map(TenantId::value).orElse(null),
                account.map(AccountId::value).orElse(null),
                position.topic(),
                position.partition(),
                position.offset(),
                Buffer.buffer(value),
                reason);
        // Not with RETURNING: row-level security hides a row without a tenant.
        return transaction.run("select lastval() as id").iterator().next().getLong("id");
    }
}
