package org.postbus.writer.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** {@code change_outbox}: the rows of {@code change_log} that are not published yet, as ranges of their sequence numbers. */
public final class ChangeOutboxTable {
    private ChangeOutboxTable() {}

    /** Adds the rows of this transaction. */
    public static void add(Transaction transaction, TenantId tenant, AccountId account, long firstSeq, long lastSeq) {
        transaction.send(
                "insert into change_outbox (account_id, tenant_id, first_seq, last_seq) values ($1, $2, $3, $4)",
                account.value(),
                tenant.value(),
                firstSeq,
                lastSeq);
    }

    /** The range to publish; both sequence numbers are included. */
    public record Due(long first, long last) {}

    /** Sends the query. {@link #due(RowSet)} reads the answer. */
    public static Future<RowSet<Row>> queryDue(Transaction transaction, AccountId account) {
        return transaction.query(
                "select min(first_seq) as first, max(last_seq) as last from change_outbox where account_id = $1",
                account.value());
    }

    /** Empty: everything is published. */
    public static Optional<Due> due(RowSet<Row> answer) {
        Row row = answer.iterator().next();
        return Optional.ofNullable(row.getLong("first")).map(first -> new Due(first, row.getLong("last")));
    }

    /** Every row up to {@code lastSeq} has been published. */
    public static void removePublished(Transaction transaction, AccountId account, long lastSeq) {
        transaction.send(
                "delete from change_outbox where account_id = $1 and last_seq <= $2", account.value(), lastSeq);
        transaction.send(
                "update change_outbox set first_seq = $2 + 1 where account_id = $1 and first_seq <= $2",
                account.value(),
                lastSeq);
    }

    /**
     * Tries to become the only publisher of the account in all processes, until the transaction ends. {@link #isLocked} reads the
     * answer.
     */
    public static Future<RowSet<Row>> tryLock(Transaction transaction, AccountId account) {
        return transaction.query(
                "select pg_try_advisory_xact_lock(hashtextextended('publish:' || $1::text, 0)) as locked",
                account.toString());
    }

    /** False: another publisher has the lock. */
    public static boolean isLocked(RowSet<Row> answer) {
        return answer.iterator().next().getBoolean("locked");
    }

    public record UnpublishedAccount(TenantId tenant, AccountId account) {
        @Override
        public String toString() {
            return account.toString();
        }
    }

    /** At most {@code most} accounts of all tenants that have unpublished changes. Needs no tenant. */
    public static List<UnpublishedAccount> accounts(Transaction transaction, int most) {
        List<UnpublishedAccount> accounts = new ArrayList<>();
        for (Row row :
                transaction.run("select tenant_id, account_id from accounts_with_unpublished_changes($1)", most)) {
            accounts.add(new UnpublishedAccount(
                    new TenantId(row.getUUID("tenant_id")), new AccountId(row.getUUID("account_id"))));
        }
        return accounts;
    }
}
