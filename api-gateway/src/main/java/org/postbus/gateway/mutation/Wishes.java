package org.postbus.gateway.mutation;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.postbus.change.ChangeEvent.MutationDiscarded;
import org.postbus.gateway.ChangeLogAppend;
import org.postbus.gateway.Database;
import org.postbus.gateway.Idempotency;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
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
    /** In the order of the arrays: ids are drawn as the rows come, and their order is the order of the wishes. */
    private static final String INSERT = """
            insert into pending_changes (account_id, tenant_id, email_id, kind, patch)
            select $1, $2, n.email_id, n.kind, n.patch::jsonb
            from unnest($3::uuid[], $4::text[], $5::text[]) with ordinality n(email_id, kind, patch, place)
            order by n.place
            returning email_id, mutation_id""";

    /** What nobody is working on. In doubt only by name: whoever retries it has looked whether it was done. */
    private static final String RETRY = """
            update pending_changes
            set state = 'queued', attempts = 0, next_try_at = now(), error = null, held_at_revision = null,
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and ($2::uuid is null or mutation_id = $2) and state = any ($3)""";

    /** Whoever retries one wish wants the server asked now: so what held all the others is over as well. */
    private static final String LIFT_HOLD = """
            update pending_changes set next_try_at = now(), held_at_revision = null
            where account_id = $1 and state = 'queued' and held_at_revision is not null""";

    private static final String DISCARD = """
            delete from pending_changes
            where account_id = $1 and ($2::uuid is null or mutation_id = $2) and state = any ($3)
            returning mutation_id, email_id""";

    static final Set<String> RETRIABLE = Set.of("queued", "failed", "in-doubt");
    static final Set<String> DISCARDABLE = Set.of("queued", "rejected", "failed", "in-doubt");

    private final Database database;
    private final MutationBells bells;

    Wishes(Database database, MutationBells bells) {
        this.database = database;
        this.bells = bells;
    }

    /** Fails with a 404 problem if the email is not to be seen, with 422 if it cannot be what is asked for. */
    public Uni<MutationId> update(
            TenantId tenant, AccountId account, EmailId email, EmailPatch patch, Idempotency idempotency) {
        return one(tenant, account, email, EmailBatch.update(email, patch), idempotency);
    }

    /** Fails with a 404 problem if the email is not to be seen. */
    public Uni<MutationId> destroy(TenantId tenant, AccountId account, EmailId email, Idempotency idempotency) {
        return one(tenant, account, email, EmailBatch.destroy(email), idempotency);
    }

    /** Fails with a 404 problem if there is no such account. What can not be for one email stops no other. */
    public Uni<EmailBatch.Accepted> batch(
            TenantId tenant, AccountId account, EmailBatch batch, Idempotency idempotency) {
        return database.transaction(
                        tenant,
                        connection -> requireAccount(connection, account)
                                .compose(there -> idempotency.once(
                                        connection,
                                        tenant,
                                        EmailBatch.Accepted.class,
                                        () -> store(connection, tenant, account, batch)
                                                .map(Stored::accepted))))
                .invoke(() -> bells.ring(tenant, account));
    }

    private Uni<MutationId> one(
            TenantId tenant, AccountId account, EmailId email, EmailBatch batch, Idempotency idempotency) {
        return database.transaction(
                        tenant,
                        connection -> idempotency.once(
                                connection,
                                tenant,
                                MutationId.class,
                                () -> store(connection, tenant, account, batch).map(stored -> stored.only(email))))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** @param refused an empty list: there is no such email */
    private record Stored(Map<EmailId, MutationId> mutations, Map<EmailId, List<Violation>> refused) {

        MutationId only(EmailId email) {
            List<Violation> violations = refused.get(email);
            if (violations != null) {
                throw violations.isEmpty() ? Problem.notFound("email") : Problem.invalid(violations);
            }
            return mutations.get(email);
        }

        EmailBatch.Accepted accepted() {
            Map<EmailId, EmailBatch.Refusal> refusals = new LinkedHashMap<>();
            refused.forEach((email, violations) -> refusals.put(
                    email,
                    violations.isEmpty()
                            ? new EmailBatch.Refusal("notFound", "there is no such email")
                            : new EmailBatch.Refusal(
                                    "invalidProperties",
                                    violations.stream().map(Violation::detail).collect(Collectors.joining("; ")))));
            return new EmailBatch.Accepted(mutations, refusals);
        }
    }

    private static Future<Stored> store(
            SqlConnection connection, TenantId tenant, AccountId account, EmailBatch batch) {
        return mailboxesOf(connection, account, batch.wishes().keySet())
                .compose(present -> known(connection, account, batch.mailboxes())
                        .compose(known -> {
                            Map<EmailId, List<Violation>> refused = new LinkedHashMap<>();
                            Map<EmailId, Optional<EmailPatch>> wishes = new LinkedHashMap<>();
                            batch.wishes().forEach((email, wish) -> {
                                Set<MailboxId> mailboxes = present.get(email);
                                List<Violation> violations = mailboxes == null
                                        ? List.of()
                                        : wish.map(patch -> patch.violations(known, mailboxes))
                                                .orElse(List.of());
                                if (mailboxes == null || !violations.isEmpty()) {
                                    refused.put(email, violations);
                                } else {
                                    wishes.put(email, wish);
                                }
                            });
                            return insert(connection, tenant, account, wishes)
                                    .map(mutations -> new Stored(mutations, refused));
                        }));
    }

    /** Fails with a 404 problem, or with 409 if it has not failed and waits for nothing. */
    Uni<Void> retry(TenantId tenant, AccountId account, MutationId mutation) {
        return database.transaction(
                        tenant,
                        connection -> step(connection, RETRY, account, Optional.of(mutation), RETRIABLE)
                                .compose(retried -> retried.rowCount() == 1
                                        ? liftHold(connection, account)
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "only a mutation that is queued, failed or in-doubt can be retried")))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** Fails with a 404 problem if there is no such account. */
    Uni<Integer> retryAll(TenantId tenant, AccountId account, Set<String> states) {
        return database.transaction(
                        tenant,
                        connection -> requireAccount(connection, account)
                                .compose(there -> step(connection, RETRY, account, Optional.empty(), states))
                                .compose(
                                        retried -> liftHold(connection, account).map(lifted -> retried.rowCount())))
                .invoke(() -> bells.ring(tenant, account));
    }

    /** Fails with a 404 problem, or with 409 if the server may have been told already. */
    Uni<Void> discard(TenantId tenant, AccountId account, MutationId mutation) {
        return database.transaction(
                tenant,
                connection -> discard(connection, tenant, account, Optional.of(mutation), DISCARDABLE)
                        .compose(
                                discarded -> discarded == 1
                                        ? Future.<Void>succeededFuture()
                                        : refuse(
                                                connection,
                                                account,
                                                mutation,
                                                "the mail server is being told or has been told: it is too late to discard it")));
    }

    /** Fails with a 404 problem if there is no such account. */
    Uni<Integer> discardAll(TenantId tenant, AccountId account, Set<String> states) {
        return database.transaction(
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
                .compose(locked -> step(connection, DISCARD, account, mutation, states))
                .compose(discarded ->
                        tell(connection, tenant, account, discarded).map(told -> discarded.rowCount()));
    }

    private static Future<Void> tell(
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

    private static Future<RowSet<Row>> step(
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

    /** In which mailboxes those of the emails are that are to be seen. */
    private static Future<Map<EmailId, Set<MailboxId>>> mailboxesOf(
            SqlConnection connection, AccountId account, Set<EmailId> emails) {
        return connection
                .preparedQuery(
                        "select email_id, mailbox_ids from email_view where account_id = $1 and email_id = any ($2) and visible")
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addArrayOfUUID(emails.stream().map(EmailId::value).toArray(UUID[]::new)))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .collect(Collectors.toMap(
                                row -> new EmailId(row.getUUID(0)),
                                row -> Arrays.stream(row.getArrayOfStrings(1))
                                        .map(MailboxId::of)
                                        .collect(Collectors.toSet()))));
    }

    private static Future<Set<MailboxId>> known(SqlConnection connection, AccountId account, Set<MailboxId> mailboxes) {
        if (mailboxes.isEmpty()) {
            return Future.succeededFuture(Set.of());
        }
        return connection
                .preparedQuery("""
                        select mailbox_id from mailbox where account_id = $1 and mailbox_id = any ($2)
                        union
                        select mailbox_id from pending_changes
                        where account_id = $1 and email_id is null and kind = 'mailbox-create'
                          and state in ('queued', 'sending', 'applied') and mailbox_id = any ($2)""")
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addArrayOfUUID(mailboxes.stream().map(MailboxId::value).toArray(UUID[]::new)))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(row -> new MailboxId(row.getUUID(0)))
                        .collect(Collectors.toSet()));
    }

    private static Future<Map<EmailId, MutationId>> insert(
            SqlConnection connection, TenantId tenant, AccountId account, Map<EmailId, Optional<EmailPatch>> wishes) {
        return connection
                .preparedQuery(INSERT)
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addUUID(tenant.value())
                        .addArrayOfUUID(
                                wishes.keySet().stream().map(EmailId::value).toArray(UUID[]::new))
                        .addArrayOfString(wishes.values().stream()
                                .map(wish -> wish.isPresent() ? "update" : "destroy")
                                .toArray(String[]::new))
                        .addArrayOfString(wishes.values().stream()
                                .map(wish -> wish.map(EmailPatch::json).orElse("{}"))
                                .toArray(String[]::new)))
                .map(rows -> {
                    Map<EmailId, MutationId> mutations = new LinkedHashMap<>();
                    rows.forEach(row -> mutations.put(new EmailId(row.getUUID(0)), new MutationId(row.getUUID(1))));
                    return mutations;
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
                                : Problem.conflict(detail + "; it is "
                                        + rows.iterator().next().getString(0))));
    }
}
