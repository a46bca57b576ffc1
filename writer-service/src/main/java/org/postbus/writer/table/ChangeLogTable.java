package org.postbus.writer.table;

import static org.postbus.writer.table.MailboxTable.column;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.RowSet;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * {@code change_log}: every effective change, in order. {@code change_outbox}: which of them the world has not been told yet,
 * as ranges of their sequence numbers.
 */
public final class ChangeLogTable {
    private ChangeLogTable() {}

    /**
     * @param data the record's value, to the byte as it is published: JSON in UTF-8
     * @param at in microseconds, as PostgreSQL keeps it
     */
    public record Row(long seq, UUID eventId, String type, Optional<UUID> objectId, byte[] data, OffsetDateTime at) {}

    /** @param at of all of them */
    public static void insert(Transaction transaction, TenantId tenant, AccountId account, List<Row> rows, OffsetDateTime at) {
        transaction.send(
                """
                insert into change_log (account_id, tenant_id, seq, event_id, type, object_id, data, at)
                select $1, $2, n.seq, n.event_id, n.type, n.object_id, convert_from(n.data, 'UTF8'), $8
                from unnest($3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::bytea[])
                  n(seq, event_id, type, object_id, data)""",
                account.value(),
                tenant.value(),
                column(rows, Row::seq, Long[]::new),
                column(rows, Row::eventId, UUID[]::new),
                column(rows, Row::type, String[]::new),
                column(rows, row -> row.objectId().orElse(null), UUID[]::new),
                column(rows, row -> Buffer.buffer(row.data()), Buffer[]::new),
                at);
    }

    /** The transaction's rows are to be published. */
    public static void addToOutbox(Transaction transaction, TenantId tenant, AccountId account, long firstSeq, long lastSeq) {
        transaction.send(
                "insert into change_outbox (account_id, tenant_id, first_seq, last_seq) values ($1, $2, $3, $4)",
                account.value(),
                tenant.value(),
                firstSeq,
                lastSeq);
    }

    /** Asks which rows are not published. */
    public static Future<RowSet<io.vertx.sqlclient.Row>> askDue(Transaction transaction, AccountId account) {
        return transaction.ask(
                "select min(first_seq) as first, max(last_seq) as last from change_outbox where account_id = $1",
                account.value());
    }

    /** Sequence numbers, both included. */
    public record Due(long first, long last) {}

    public static Optional<Due> due(RowSet<io.vertx.sqlclient.Row> answer) {
        io.vertx.sqlclient.Row row = answer.iterator().next();
        return Optional.ofNullable(row.getLong("first")).map(first -> new Due(first, row.getLong("last")));
    }

    public static List<Row> read(Transaction transaction, AccountId account, long first, long last, int most) {
        List<Row> rows = new ArrayList<>();
        for (io.vertx.sqlclient.Row row : transaction.run("""
                select seq, event_id, type, object_id, data, at from change_log
                where account_id = $1 and seq between $2 and $3 order by seq limit $4""", account.value(), first, last, (long) most)) {
            rows.add(new Row(
                    row.getLong("seq"),
                    row.getUUID("event_id"),
                    row.getString("type"),
                    Optional.ofNullable(row.getUUID("object_id")),
                    row.getString("data").getBytes(StandardCharsets.UTF_8),
                    row.getOffsetDateTime("at")));
        }
        return rows;
    }

    /** Every row up to {@code lastSeq} has been published. */
    public static void markPublished(Transaction transaction, AccountId account, long lastSeq) {
        transaction.send(
                "delete from change_outbox where account_id = $1 and last_seq <= $2", account.value(), lastSeq);
        transaction.send(
                "update change_outbox set first_seq = $2 + 1 where account_id = $1 and first_seq <= $2",
                account.value(),
                lastSeq);
    }

    /** Only one publisher of an account at a time, in all processes; ends with the transaction. */
    public static Future<RowSet<io.vertx.sqlclient.Row>> askPublicationLock(Transaction transaction, AccountId account) {
        return transaction.ask(
                "select pg_try_advisory_xact_lock(hashtextextended('publish:' || $1::text, 0)) as locked",
                account.toString());
    }

    /** False: another one is at it. */
    public static boolean locked(RowSet<io.vertx.sqlclient.Row> answer) {
        return answer.iterator().next().getBoolean("locked");
    }

    public record Unpublished(TenantId tenant, AccountId account) {}

    /** Accounts of all tenants that have unpublished changes. */
    public static List<Unpublished> accountsWithUnpublished(Transaction transaction, int most) {
        List<Unpublished> accounts = new ArrayList<>();
        for (io.vertx.sqlclient.Row row :
                transaction.run("select tenant_id, account_id from accounts_with_unpublished_changes($1)", most)) {
            accounts.add(
                    new Unpublished(new TenantId(row.getUUID("tenant_id")), new AccountId(row.getUUID("account_id"))));
        }
        return accounts;
    }
}
