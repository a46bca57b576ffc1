package org.postbus.gateway.mutation;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.change.ChangeEvent.MutationDiscarded;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.topic.MutationNotifications;
import org.postbus.kit.sql.ChangeLogAppend;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/** Retries and discards mutations: one by its id, or all of an account by their state. */
@ApplicationScoped
public class MutationQueue {
    private static final String RETRY = """
            update pending_changes
            set state = 'queued', attempts = 0, interruptions = 0, next_try_at = now(), retried_at = now(), error = null,
                after_pass = null, held_at_revision = null, claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and ($2::uuid is null or mutation_id = $2) and state = any ($3)""";

    /** A retry asks for the server to be tried now, so the hold on the account's other mutations ends too. */
    private static final String LIFT_HOLD = """
            with lifted as (
              update outbound_hold set next_try_at = now() where account_id = $1 and queue = 'mutations')
            update pending_changes set next_try_at = now(), held_at_revision = null
            where account_id = $1 and state = 'queued' and held_at_revision is not null""";

    /** What outbound-service has claimed and not begun to send, is queued as well: it marks a mutation as sent before its first command. */
    private static final String DISCARD = """
            delete from pending_changes
            where account_id = $1 and ($2::uuid is null or mutation_id = $2)
              and (state = any ($3) or (state = 'sending' and not sent and 'queued' = any ($3)))
            returning mutation_id, email_id""";

    static final Set<String> RETRIABLE = Set.of("queued", "failed", "in-doubt");
    static final Set<String> DISCARDABLE = Set.of("queued", "rejected", "failed", "in-doubt");

    private final TenantTransactions transactions;
    private final MutationNotifications notifications;

    MutationQueue(TenantTransactions transactions, MutationNotifications notifications) {
        this.transactions = transactions;
        this.notifications = notifications;
    }

    /** Fails with a 404 problem, or with 409 if its state is none of {@link #RETRIABLE}. */
    Uni<Void> retry(TenantId tenant, AccountId account, MutationId mutation) {
        return transactions
                .uni(
                        tenant,
                        connection -> execute(connection, RETRY, account, Optional.of(mutation), RETRIABLE)
                                .compose(retried -> retried.rowCount() == 1
                                        ? liftHold(connection, account)
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "only a mutation that is queued, failed or in-doubt can be retried")))
                .invoke(() -> notifications.notify(tenant, account));
    }

    /** @return how many; fails with a 404 problem if there is no such account */
    Uni<Integer> retryAll(TenantId tenant, AccountId account, Set<String> states) {
        return transactions
                .uni(
                        tenant,
                        connection -> requireAccount(connection, account)
                                .compose(there -> execute(connection, RETRY, account, Optional.empty(), states))
                                .compose(
                                        retried -> liftHold(connection, account).map(lifted -> retried.rowCount())))
                .invoke(() -> notifications.notify(tenant, account));
    }

    /** Fails with a 404 problem, or with 409 if outbound-service is sending it or has sent it. */
    Uni<Void> discard(TenantId tenant, AccountId account, MutationId mutation) {
        return transactions.uni(
                tenant,
                connection -> discard(connection, tenant, account, Optional.of(mutation), DISCARDABLE)
                        .compose(
                                discarded -> discarded == 1
                                        ? Future.<Void>succeededFuture()
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "a mutation that is being sent or was sent can not be discarded; request the opposite change")));
    }

    /** @return how many; fails with a 404 problem if there is no such account */
    Uni<Integer> discardAll(TenantId tenant, AccountId account, Set<String> states) {
        return transactions.uni(
                tenant,
                connection -> requireAccount(connection, account)
                        .compose(there -> discard(connection, tenant, account, Optional.empty(), states)));
    }

    private static Future<Integer> discard(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            Optional<MutationId> mutation,
            Set<String> states) {
        return ChangeLogAppend.lock(connection, account)
                .compose(locked -> execute(connection, DISCARD, account, mutation, states))
                .compose(discarded ->
                        append(connection, tenant, account, discarded).map(appended -> discarded.rowCount()));
    }

    private static Future<Void> append(
            SqlConnection connection, TenantId tenant, AccountId account, RowSet<Row> discarded) {
        Map<UUID, MutationDiscarded> changes = new LinkedHashMap<>();
        for (Row row : discarded) {
            UUID mutation = row.getUUID("mutation_id");
            changes.put(
                    mutation,
                    new MutationDiscarded(
                            new MutationId(mutation),
                            Optional.ofNullable(row.getUUID("email_id")).map(EmailId::new)));
        }
        return ChangeLogAppend.append(connection, tenant, account, changes);
    }

    private static Future<RowSet<Row>> execute(
            SqlConnection connection,
            String sql,
            AccountId account,
            Optional<MutationId> mutation,
            Set<String> states) {
        return connection
                .preparedQuery(sql)
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addUUID(mutation.map(MutationId::value).orElse(null))
                        .addArrayOfString(states.toArray(String[]::new)));
    }

    private static Future<Void> liftHold(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(LIFT_HOLD)
                .execute(Tuple.of(account.value()))
                .mapEmpty();
    }

    private static Future<Void> requireAccount(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select from account where account_id = $1")
                .execute(Tuple.of(account.value()))
                .map(rows -> {
                    if (rows.size() == 0) {
                        throw Problem.notFound("account");
                    }
                    return null;
                });
    }

    private static Future<Void> refuse(
            SqlConnection connection, AccountId account, MutationId mutation, String detail) {
        return connection
                .preparedQuery("select state from pending_changes where account_id = $1 and mutation_id = $2")
                .execute(Tuple.of(account.value(), mutation.value()))
                .compose((RowSet<Row> rows) -> Future.failedFuture(
                        rows.size() == 0
                                ? Problem.notFound("mutation")
                                : Problem.conflict(detail + " (its state is "
                                        + rows.iterator().next().getString(0) + ")")));
    }
}
