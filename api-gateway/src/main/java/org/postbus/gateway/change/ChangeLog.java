package org.postbus.gateway.change;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.postbus.model.AccountId;

/** Reads the table {@code change_log}: an account's changes without a gap, from the oldest kept one to the last. */
final class ChangeLog {
    private ChangeLog() {}

    /** The changes after {@code since}, in order. */
    static Future<List<LoggedChange>> after(SqlConnection connection, AccountId account, long since, int rowsMax) {
        return connection
                .preparedQuery(
                        "select seq, type, data from change_log where account_id = $1 and seq > $2 order by seq limit $3")
                .execute(Tuple.of(account.value(), since, rowsMax))
                .map(rows -> {
                    List<LoggedChange> changes = new ArrayList<>(rows.size());
                    for (Row row : rows) {
                        changes.add(new LoggedChange(
                                account,
                                row.getLong(0),
                                row.getString(1),
                                row.getString(2).getBytes(StandardCharsets.UTF_8)));
                    }
                    return changes;
                });
    }

    /**
     * Whether retention has deleted the changes that follow {@code since}.
     *
     * @param changes the result of {@link #after}, if the account's last seq is greater than {@code since}
     */
    static boolean isCutOff(long since, List<LoggedChange> changes) {
        return changes.isEmpty() || changes.getFirst().seq() > since + 1;
    }

    /** Empty if there is no such account. */
    static Future<Optional<Long>> lastSeq(SqlConnection connection, AccountId account) {
        return lastSeqs(connection, Optional.of(Set.of(account)), 1)
                .map(last -> Optional.ofNullable(last.get(account)));
    }

    /** The last seq of each account of the tenant, or of those among {@code accounts} that exist; ordered by id. */
    static Future<Map<AccountId, Long>> lastSeqs(
            SqlConnection connection, Optional<Set<AccountId>> accounts, int rowsMax) {
        UUID[] named = accounts.map(ids -> ids.stream().map(AccountId::value).toArray(UUID[]::new))
                .orElse(null);
        return connection
                .preparedQuery("""
                        select account_id, change_seq from account_sync
                        where $1::uuid[] is null or account_id = any ($1)
                        order by account_id limit $2""")
                .execute(Tuple.of(named, rowsMax))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .collect(
                                LinkedHashMap::new,
                                (map, row) -> map.put(new AccountId(row.getUUID(0)), row.getLong(1)),
                                Map::putAll));
    }
}
