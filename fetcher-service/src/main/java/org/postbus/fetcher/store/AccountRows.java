package org.postbus.fetcher.store;

import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.util.function.Function;
import org.postbus.kit.sql.TenantTransactions;

/** Reads rows of one account, each query in a transaction of its own. The first parameter of every query is the account's id. */
final class AccountRows {
    private final TenantTransactions transactions;
    private final Claim claim;

    AccountRows(TenantTransactions transactions, Claim claim) {
        this.transactions = transactions;
        this.claim = claim;
    }

    /**
     * @param what names the query in a failure's message
     * @param more parameters from {@code $2} on
     */
    <T> T read(String what, String sql, Function<RowSet<Row>, T> use, Object... more) throws InterruptedException {
        Object[] parameters = new Object[more.length + 1];
        parameters[0] = claim.accountId().value();
        System.arraycopy(more, 0, parameters, 1, more.length);
        return transactions.runInterruptibly(
                what,
                claim.tenantId(),
                connection -> connection
                        .preparedQuery(sql)
                        .execute(Tuple.wrap(parameters))
                        .map(use));
    }
}
