package org.postbus.gateway.account;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.TopicProducer;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;
import org.postbus.topic.Topics;

/**
 * Brings {@code postbus.accounts} to what the table {@code account} says. It works when it is rung and every
 * {@link #SWEEP} besides, so what a crash or an absent broker left over is published later.
 *
 * <p>Phases, in one transaction per sweep: 1. take the lock that one publisher of the database holds, 2. read what is
 * unpublished, 3. send it and wait for the broker, 4. note what was published, commit.
 * If it fails after phase 1 or 2, nothing has happened. After phase 3: the records are on the topic and will be there once
 * more; a fetcher takes a record of a revision and wake that it knows for what it is. The lock keeps
 * an older record from being sent after a newer one, which compaction would keep for ever. Outbound-service publishes
 * wakes without it; so what is noted is what was sent, even if the row says more by now: then it is due again.
 */
@ApplicationScoped
public class AccountPublisher {
    private static final Logger LOG = Logger.getLogger(AccountPublisher.class);
    static final Duration SWEEP = Duration.ofSeconds(2);
    private static final int SWEEP_ACCOUNTS_MAX = 500;
    private static final Duration SWEEP_MAX = Duration.ofSeconds(30);
    /** Names the advisory lock. */
    private static final long LOCK = 0x706f737462757301L;

    private final Pool pool;
    private final TopicProducer topics;
    private final Semaphore bell = new Semaphore(0);
    private volatile Thread loop;

    AccountPublisher(Pool pool, TopicProducer topics) {
        this.pool = pool;
        this.topics = topics;
    }

    /** Somebody has changed an account, and that is committed. */
    void ring() {
        bell.release();
    }

    void start(@Observes StartupEvent event) {
        loop = Thread.ofVirtual().name("account-publisher").start(this::run);
    }

    void stop(@Observes ShutdownEvent event) {
        loop.interrupt();
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                bell.tryAcquire(SWEEP.toMillis(), TimeUnit.MILLISECONDS);
                bell.drainPermits();
                while (sweep() == SWEEP_ACCOUNTS_MAX) {
                    // More than one sweep's worth is due: go on at once.
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                LOG.warnf("accounts are not published, trying again: %s", e.getMessage());
            }
        }
    }

    /** @return how many accounts were published */
    int sweep() throws Exception {
        return pool.withTransaction(connection -> connection
                        .preparedQuery("select pg_try_advisory_xact_lock($1)")
                        .execute(Tuple.of(LOCK))
                        .compose(rows -> rows.iterator().next().getBoolean(0)
                                ? publishDue(connection)
                                : Future.succeededFuture(0)))
                .toCompletionStage()
                .toCompletableFuture()
                .get(SWEEP_MAX.toSeconds(), TimeUnit.SECONDS);
    }

    private record Due(TenantId tenant, AccountId account) {}

    private Future<Integer> publishDue(SqlConnection connection) {
        return connection
                .preparedQuery("select tenant_id, account_id from unpublished_accounts($1)")
                .execute(Tuple.of(SWEEP_ACCOUNTS_MAX))
                .compose(rows -> {
                    List<Due> due = StreamSupport.stream(rows.spliterator(), false)
                            .map(row -> new Due(new TenantId(row.getUUID(0)), new AccountId(row.getUUID(1))))
                            .toList();
                    Future<Void> published = Future.succeededFuture();
                    for (TenantId tenant :
                            due.stream().map(Due::tenant).distinct().toList()) {
                        UUID[] accounts = due.stream()
                                .filter(one -> one.tenant().equals(tenant))
                                .map(one -> one.account().value())
                                .toArray(UUID[]::new);
                        published = published.compose(ignored -> publish(connection, tenant, accounts));
                    }
                    return published.map(due.size());
                });
    }

    private Future<Void> publish(SqlConnection connection, TenantId tenant, UUID[] accounts) {
        return connection
                .preparedQuery("select set_config('app.tenant', $1, true)")
                .execute(Tuple.of(tenant.toString()))
                .compose(named -> connection
                        .preparedQuery(
                                "select account_id, protocol, status, revision, wake from account where account_id = any ($1)")
                        .execute(Tuple.of(accounts)))
                .compose(rows -> {
                    List<AccountRecord> records = StreamSupport.stream(rows.spliterator(), false)
                            .map(row -> record(tenant, row))
                            .toList();
                    return send(records, accounts).compose(sent -> note(connection, records, accounts));
                });
    }

    /** An account that was due and has no row any more was deleted: its record becomes a tombstone. */
    private Future<Void> send(List<AccountRecord> records, UUID[] accounts) {
        CompletableFuture<Void> all = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                List<CompletableFuture<Void>> sends = new ArrayList<>();
                for (AccountRecord record : records) {
                    sends.add(topics.send(Topics.ACCOUNTS, record.accountId(), EventCodec.encode(record)));
                }
                for (AccountId deleted : deleted(records, accounts)) {
                    sends.add(topics.send(Topics.ACCOUNTS, deleted, null));
                }
                CompletableFuture.allOf(sends.toArray(CompletableFuture[]::new))
                        .get(TopicProducer.SEND_MAX.toSeconds(), TimeUnit.SECONDS);
                all.complete(null);
            } catch (Exception e) {
                all.completeExceptionally(e);
            }
        });
        return Future.fromCompletionStage(all);
    }

    private static Future<Void> note(SqlConnection connection, List<AccountRecord> records, UUID[] accounts) {
        List<Tuple> published = records.stream()
                .map(record -> Tuple.of(record.accountId().value(), record.revision(), record.wake()))
                .toList();
        Future<?> noted = published.isEmpty()
                ? Future.succeededFuture()
                : connection.preparedQuery("""
                                update account set published_revision = $2, published_wake = $3
                                where account_id = $1""").executeBatch(published);
        UUID[] deleted =
                deleted(records, accounts).stream().map(AccountId::value).toArray(UUID[]::new);
        return noted.compose(ignored -> connection
                        .preparedQuery("delete from account_tombstone where account_id = any ($1)")
                        .execute(Tuple.of(deleted)))
                .mapEmpty();
    }

    private static List<AccountId> deleted(List<AccountRecord> records, UUID[] accounts) {
        List<AccountId> present = records.stream().map(AccountRecord::accountId).toList();
        return java.util.Arrays.stream(accounts)
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
                row.getLong("revision"),
                row.getLong("wake"));
    }
}
