package org.postbus.gateway.account;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.postbus.gateway.topic.AccountRecords;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.PeriodicJob;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/**
 * Publishes to {@code postbus.accounts} what the table {@code account} says: each account whose revision is above its published
 * revision, and a tombstone for each deleted account. It runs after each change and every {@link #SWEEP}, so what a crash or an
 * absent broker left over is published later.
 *
 * <p>Phases, in one transaction per sweep: 1. take the advisory lock, which one publisher in the database holds; 2. read what is
 * unpublished; 3. send it and wait for the broker; 4. store the published revisions, delete the tombstones, commit.
 * If it fails after phase 1 or 2, nothing has happened. If it fails after phase 3, the records are on the topic and will be sent
 * again; a fetcher ignores a record whose revision it has seen. The lock keeps an older record from being sent after a newer one,
 * which compaction would then keep for ever. Phase 4 stores the revision that was sent: if the row has a newer one by then, it is due
 * again.
 */
@ApplicationScoped
public class AccountPublisher {
    static final Duration SWEEP = Duration.ofSeconds(2);
    private static final Duration SWEEP_TIME_MAX = Duration.ofSeconds(30);
    /** Names the advisory lock. */
    private static final long LOCK = 0x706f737462757301L;

    private final TenantTransactions transactions;
    private final AccountRecords topic;
    private final PeriodicJob job;

    AccountPublisher(TenantTransactions transactions, AccountRecords topic) {
        this.transactions = transactions.withAnswerMax(SWEEP_TIME_MAX);
        this.topic = topic;
        this.job = new PeriodicJob("account-publisher", SWEEP, this::publishAll);
    }

    /** Never blocks. Called after the commit of a change. */
    public void publishSoon() {
        job.runNow();
    }

    void start(@Observes StartupEvent event) {
        job.start();
    }

    void stop(@Observes ShutdownEvent event) {
        job.close();
    }

    private void publishAll() throws InterruptedException {
        while (sweep() == AccountRecords.RECORDS_MAX && !job.isStopped()) {
            // A full sweep may have left some.
        }
    }

    /** @return how many accounts were published */
    private int sweep() throws InterruptedException {
        return Await.infrastructure(
                "publishing accounts",
                transactions.futureWithoutTenant(connection -> connection
                        .preparedQuery("select pg_try_advisory_xact_lock($1)")
                        .execute(Tuple.of(LOCK))
                        .compose(rows -> rows.iterator().next().getBoolean(0)
                                ? publishUnpublished(connection)
                                : Future.succeededFuture(0))),
                SWEEP_TIME_MAX);
    }

    private Future<Integer> publishUnpublished(SqlConnection connection) {
        return connection
                .preparedQuery("select tenant_id, account_id from unpublished_accounts($1)")
                .execute(Tuple.of(AccountRecords.RECORDS_MAX))
                .compose(rows -> {
                    Map<TenantId, List<UUID>> byTenant = StreamSupport.stream(rows.spliterator(), false)
                            .collect(Collectors.groupingBy(
                                    row -> new TenantId(row.getUUID(0)),
                                    LinkedHashMap::new,
                                    Collectors.mapping(row -> row.getUUID(1), Collectors.toList())));
                    Future<Void> published = Future.succeededFuture();
                    for (Map.Entry<TenantId, List<UUID>> tenant : byTenant.entrySet()) {
                        UUID[] accounts = tenant.getValue().toArray(UUID[]::new);
                        published = published.compose(before -> publish(connection, tenant.getKey(), accounts));
                    }
                    return published.map(rows.size());
                });
    }

    private Future<Void> publish(SqlConnection connection, TenantId tenant, UUID[] accounts) {
        return connection
                .preparedQuery("select set_config('app.tenant', $1, true)")
                .execute(Tuple.of(tenant.toString()))
                .compose(set -> connection
                        .preparedQuery(
                                "select account_id, protocol, status, revision from account where account_id = any ($1)")
                        .execute(Tuple.of(accounts)))
                .compose(rows -> {
                    List<AccountRecord> records = StreamSupport.stream(rows.spliterator(), false)
                            .map(row -> record(tenant, row))
                            .toList();
                    List<AccountId> deleted = deleted(records, accounts);
                    return Future.fromCompletionStage(
                                    topic.publish(records, deleted).subscribeAsCompletionStage())
                            .compose(sent -> storePublished(connection, records, deleted));
                });
    }

    private static Future<Void> storePublished(
            SqlConnection connection, List<AccountRecord> records, List<AccountId> deleted) {
        List<Tuple> published = records.stream()
                .map(record -> Tuple.of(record.accountId().value(), record.revision()))
                .toList();
        Future<?> stored = published.isEmpty()
                ? Future.succeededFuture()
                : connection
                        .preparedQuery("update account set published_revision = $2 where account_id = $1")
                        .executeBatch(published);
        return stored.compose(updated -> connection
                        .preparedQuery("delete from account_tombstone where account_id = any ($1)")
                        .execute(Tuple.of(deleted.stream().map(AccountId::value).toArray(UUID[]::new))))
                .mapEmpty();
    }

    /** An account that is unpublished and has no row was deleted. */
    private static List<AccountId> deleted(List<AccountRecord> records, UUID[] accounts) {
        List<AccountId> present = records.stream().map(AccountRecord::accountId).toList();
        return Arrays.stream(accounts)
                .map(AccountId::new)
                .filter(account -> !present.contains(account))
                .toList();
    }

    private static AccountRecord record(TenantId tenant, Row row) {
        return new AccountRecord(
                tenant,
                new AccountId(row.getUUID("account_id")),
                AccountRecord.Protocol.of(row.getString("protocol")),
                AccountRecord.Status.of(row.getString("status")),
                row.getLong("revision"));
    }
}
