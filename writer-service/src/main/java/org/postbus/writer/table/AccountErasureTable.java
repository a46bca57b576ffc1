package org.postbus.writer.table;

import io.vertx.sqlclient.Row;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code account_erasure}: what is left of deleted accounts until {@code account.deleted} is published. */
public final class AccountErasureTable {
    private AccountErasureTable() {}

    /** @param seq of the account's last change */
    public record Deletion(TenantId tenant, AccountId account, long seq, UUID eventId, OffsetDateTime at) {}

    /** At most {@code most} deletions of all tenants that are not published. Needs no tenant. */
    public static List<Deletion> unpublished(Transaction transaction, int most) {
        List<Deletion> deletions = new ArrayList<>();
        for (Row row : transaction.run(
                "select tenant_id, account_id, seq, event_id, at from unpublished_deletions($1)", most)) {
            deletions.add(new Deletion(
                    new TenantId(row.getUUID("tenant_id")),
                    new AccountId(row.getUUID("account_id")),
                    row.getLong("seq"),
                    row.getUUID("event_id"),
                    row.getOffsetDateTime("at")));
        }
        return deletions;
    }

    public static void published(Transaction transaction, AccountId account) {
        transaction.run("select deletion_published($1)", account.value());
    }
}
