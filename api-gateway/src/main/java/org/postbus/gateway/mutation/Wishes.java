package org.postbus.gateway.mutation;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.postbus.gateway.Database;
import org.postbus.gateway.Problem;
import org.postbus.gateway.Problem.Violation;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/**
 * Takes in what people ask for: rows of {@code pending_changes}. A wish is laid over the mail from the moment it is
 * committed; the bell that is rung afterwards only makes it quick.
 */
@ApplicationScoped
public class Wishes {
    private static final String INSERT = """
            insert into pending_changes (account_id, tenant_id, email_id, kind, patch)
            values ($1, $2, $3, $4, $5::text::jsonb) returning mutation_id""";

    private final Database database;
    private final MutationBells bells;

    Wishes(Database database, MutationBells bells) {
        this.database = database;
        this.bells = bells;
    }

    /** Fails with a 404 problem if the email is not to be seen, with 422 if it cannot be what is asked for. */
    public Uni<MutationId> update(TenantId tenant, AccountId account, EmailId email, EmailPatch patch) {
        return database.transaction(
                        tenant,
                        connection -> mailboxesOf(connection, account, email)
                                .compose(present -> known(
                                                connection,
                                                account,
                                                patch.mailboxIds().keySet())
                                        .compose(known -> {
                                            List<Violation> violations = patch.violations(known, present);
                                            return violations.isEmpty()
                                                    ? insert(connection, tenant, account, email, "update", patch.json())
                                                    : Future.failedFuture(Problem.invalid(violations));
                                        })))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** Fails with a 404 problem if the email is not to be seen. */
    public Uni<MutationId> destroy(TenantId tenant, AccountId account, EmailId email) {
        return database.transaction(
                        tenant,
                        connection -> mailboxesOf(connection, account, email)
                                .compose(present -> insert(connection, tenant, account, email, "destroy", "{}")))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** Fails with a 404 problem, or with 409 if it has not failed. */
    Uni<Void> retry(TenantId tenant, AccountId account, MutationId mutation) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery("""
                                update pending_changes
                                set state = 'queued', attempts = 0, next_try_at = now(), error = null,
                                    claimed_by = null, claimed_until = null, updated_at = now()
                                where account_id = $1 and mutation_id = $2 and state in ('failed', 'in-doubt')""")
                                .execute(Tuple.of(account.value(), mutation.value()))
                                .compose(updated -> updated.rowCount() == 1
                                        ? Future.<Void>succeededFuture()
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "only a mutation that is failed or in-doubt can be retried")))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** Fails with a 404 problem, or with 409 if the server may have been told already. */
    Uni<Void> discard(TenantId tenant, AccountId account, MutationId mutation) {
        return database.transaction(
                tenant,
                connection -> connection
                        .preparedQuery("""
                        delete from pending_changes
                        where account_id = $1 and mutation_id = $2
                          and state in ('queued', 'failed', 'rejected', 'in-doubt')""")
                        .execute(Tuple.of(account.value(), mutation.value()))
                        .compose(
                                deleted -> deleted.rowCount() == 1
                                        ? Future.<Void>succeededFuture()
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "the mail server is being told or has been told: it is too late to discard it")));
    }

    private static Future<Set<MailboxId>> mailboxesOf(SqlConnection connection, AccountId account, EmailId email) {
        return connection
                .preparedQuery("select mailbox_ids from email_view where account_id = $1 and email_id = $2 and visible")
                .execute(Tuple.of(account.value(), email.value()))
                .map(rows -> {
                    if (rows.size() == 0) {
                        throw Problem.notFound("email");
                    }
                    return Arrays.stream(rows.iterator().next().getArrayOfStrings(0))
                            .map(MailboxId::of)
                            .collect(Collectors.toSet());
                });
    }

    private static Future<Set<MailboxId>> known(SqlConnection connection, AccountId account, Set<MailboxId> mailboxes) {
        if (mailboxes.isEmpty()) {
            return Future.succeededFuture(Set.of());
        }
        return connection
                .preparedQuery("select mailbox_id from mailbox where account_id = $1 and mailbox_id = any ($2)")
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addArrayOfUUID(mailboxes.stream().map(MailboxId::value).toArray(UUID[]::new)))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(row -> new MailboxId(row.getUUID(0)))
                        .collect(Collectors.toSet()));
    }

    private static Future<MutationId> insert(
            SqlConnection connection, TenantId tenant, AccountId account, EmailId email, String kind, String patch) {
        return connection
                .preparedQuery(INSERT)
                .execute(Tuple.of(account.value(), tenant.value(), email.value(), kind, patch))
                .map(rows -> new MutationId(rows.iterator().next().getUUID(0)));
    }

    private static Future<Void> refuse(
            SqlConnection connection, AccountId account, MutationId mutation, String detail) {
        return connection
                .preparedQuery("select state from pending_changes where account_id = $1 and mutation_id = $2")
                .execute(Tuple.of(account.value(), mutation.value()))
                .compose((RowSet<Row> rows) -> Future.failedFuture(
                        rows.size() == 0
                                ? Problem.notFound("mutation")
                                : Problem.conflict(detail + "; it is "
                                        + rows.iterator().next().getString(0))));
    }
}
