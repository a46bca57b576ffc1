package org.postbus.outbound.table;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.MutationFailed;
import org.postbus.change.ChangeEvent.MutationRejected;
import org.postbus.kit.sql.ChangeLogAppend;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.mutation.MutationOutcome;
import org.postbus.outbound.retry.QueueHold;
import org.postbus.outbound.retry.RetrySchedule;

/**
 * The table {@code pending_changes}, which is the queue of mutations. A process owns a mutation while its state is {@code sending} and
 * {@code claimed_by} names the process; only the owner's outcome is stored.
 *
 * <p>Confirming applied mutations belongs to writer-service and is in its class of the same name; the gateway inserts, retries and discards
 * mutations.
 */
public final class PendingChangesTable {
    /** A flush renews its claim much earlier; after a crash other processes wait this long. */
    public static final Duration CLAIM_TIME = Duration.ofSeconds(60);
    /** Mutations per claim; the others are claimed in the next round. */
    public static final int CLAIM_MAX = 5_000;
    /** Mutations that fail at once because they are too old; the others fail after the next try. */
    private static final int FAILED_MAX = 1_000;

    /**
     * One flush per account at a time, in all processes: claims of an account exclude each other by an advisory lock, and a claim finds nothing
     * while a process owns mutations of the account. The order per email is kept even when mutations wait: none overtakes an older one.
     *
     * <p>A mailbox mutation is claimed alone: it waits for all older mutations, and all younger ones wait for it. Mutations that name the
     * mailbox wait further until it is confirmed, because only then the server's id or name of the mailbox is known. On IMAP a mutation also
     * waits until the email's last move is confirmed, because only then the UID is known.
     *
     * <p>Reads the account's open mutations once and compares them by window functions. A self-join takes minutes for ten thousand mutations,
     * because the planner's statistics of a table that fills and empties all the time are always wrong.
     */
    private static final String CLAIM = """
            with open as materialized (
              select p.mutation_id, p.email_id, p.mailbox_id, p.patch, p.state, a.protocol,
                     p.state in ('queued', 'sending') as ahead,
                     (p.state = 'queued' and p.after_pass is null
                         and (p.next_try_at <= now() or p.held_at_revision <> a.revision))
                       or (p.state = 'sending' and p.claimed_until < now()) as due,
                     p.state = 'queued' and (p.after_pass is not null
                       or p.next_try_at > now() and coalesce(p.held_at_revision = a.revision, true)) as waits,
                     (p.state = 'sending' and p.claimed_until >= now())
                       or (p.state = 'queued' and p.next_try_at > now()
                         and coalesce(p.held_at_revision = a.revision, false)) as stops_all,
                     p.state = 'applied' and p.email_id is not null and p.patch -> 'mailboxIds' <> '{}' as has_moved
              from pending_changes p join account a using (account_id)
              where p.account_id = $1 and p.state in ('queued', 'sending', 'applied') and a.status = 'active'
            ), unconfirmed_mailboxes as materialized (
              select mutation_id, mailbox_id from open where email_id is null and state = 'applied'
            ), compared as (
              select open.*,
                     bool_or(stops_all) over () as stopped,
                     bool_or(has_moved) over (partition by email_id) as is_moving,
                     bool_or(waits) over (partition by email_id order by mutation_id
                       rows between unbounded preceding and 1 preceding) as overtakes,
                     bool_or(ahead and email_id is null) over older as after_mailbox,
                     bool_or(ahead) over older as after_any
              from open
              window older as (order by mutation_id rows between unbounded preceding and 1 preceding)
            ), chosen as (
              select mutation_id from compared p
              where due and not stopped and case when email_id is not null
                then not coalesce(overtakes, false) and not coalesce(after_mailbox, false)
                  and (protocol = 'jmap' or not is_moving)
                  and not exists (
                    select from unconfirmed_mailboxes b
                    where b.mutation_id < p.mutation_id and jsonb_exists(p.patch -> 'mailboxIds', b.mailbox_id::text))
                else not coalesce(after_any, false)
                  and not exists (
                    select from unconfirmed_mailboxes b
                    where b.mutation_id < p.mutation_id
                      and (b.mailbox_id = p.mailbox_id or b.mailbox_id::text = p.patch ->> 'parentId'))
                end
              order by mutation_id
              limit $4
            )
            update pending_changes
            set state = 'sending', claimed_by = $2, claimed_until = now() + $3 * interval '1 millisecond',
                attempts = attempts + 1, interruptions = interruptions + (state = 'sending')::int,
                sent = coalesce(sent, attempts > 0), held_at_revision = null, updated_at = now()
            where account_id = $1 and mutation_id = any (array(select mutation_id from chosen))
            returning mutation_id, email_id, mailbox_id, kind, patch::text as patch, attempts, interruptions, sent,
                      (extract(epoch from greatest(now() - coalesce(retried_at, created_at), interval '0')) * 1000)::bigint as age_ms
            """;

    private static final String RENEW = """
            update pending_changes set claimed_until = now() + $3 * interval '1 millisecond'
            where account_id = $1 and claimed_by = $2 and state = 'sending'
            """;

    /** A user may have discarded some of them since they were claimed: not after this. */
    private static final String MARK_SENT = """
            update pending_changes set sent = true, claimed_until = now() + $3 * interval '1 millisecond'
            where account_id = $1 and claimed_by = $2 and state = 'sending' and mutation_id = any ($4)
            returning mutation_id
            """;

    /**
     * Begins after the server's OK, so {@code applied_pass} is the number of a pass that had begun by then; a pass with a greater number read
     * the server's state after the mutation was applied. By primary key: a join with a list of 5,000 outcomes compared each with each.
     */
    private static final String STORE_OUTCOME = """
            update pending_changes
            set state = $4, error = $5, held_at_revision = case when $6 then $9::bigint end,
                applied_pass = case when $4 = 'applied'
                  then coalesce((select number from sync_pass where account_id = $1), 0) end,
                next_try_at = now() + $7 * interval '1 millisecond', attempts = attempts - $8,
                interruptions = least(greatest(interruptions, $11), $12),
                after_pass = case when $10 then coalesce((select number from sync_pass where account_id = $1), 0) end,
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and mutation_id = any ($3) and claimed_by = $2 and state = 'sending'
            returning mutation_id, email_id, error, state
            """;

    /** Those that wait although nothing but the queue stops them, and others: no item waits for longer than the limit. */
    private static final String FAIL_TOO_OLD = """
            with old as (
              select mutation_id from pending_changes
              where account_id = $1 and state = 'queued'
                and coalesce(retried_at, created_at) <= now() - $2 * interval '1 millisecond'
              order by mutation_id limit $4
            )
            update pending_changes p set state = 'failed', error = $3, held_at_revision = null, after_pass = null, updated_at = now()
            from old where p.account_id = $1 and p.mutation_id = old.mutation_id and p.state = 'queued'
            returning p.mutation_id, p.email_id, p.error, p.state
            """;

    private final HoldTable holds = new HoldTable(QueueHold.Queue.MUTATIONS, "outbound");
    private final String claimant;

    /** @param claimant names this process; a restarted process has another name */
    public PendingChangesTable(String claimant) {
        this.claimant = claimant;
    }

    /** After a failure of the account's server one mutation is enough to find out whether it answers again. */
    public Future<MutationClaim> claim(SqlConnection connection, AccountId account) {
        return holds.enter(connection, account)
                .compose(entry -> entry.locked() && !entry.waits()
                        ? connection
                                .preparedQuery(CLAIM)
                                .execute(Tuple.of(
                                        account.value(),
                                        claimant,
                                        CLAIM_TIME.toMillis(),
                                        entry.failures() > 0 ? 1 : CLAIM_MAX))
                                .map(rows -> MutationClaim.read(rows, entry))
                        : Future.succeededFuture(MutationClaim.NOTHING));
    }

    /**
     * Before the first command for these mutations, and to confirm the claim on them. Extends it.
     *
     * @return those that this process still owns
     */
    public Future<Set<MutationId>> markSent(SqlConnection connection, AccountId account, Collection<MutationId> ids) {
        return connection
                .preparedQuery(MARK_SENT)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis())
                        .addArrayOfUUID(ids.stream().map(MutationId::value).toArray(UUID[]::new)))
                .map(rows -> {
                    Set<MutationId> owned = new HashSet<>();
                    rows.forEach(row -> owned.add(new MutationId(row.getUUID("mutation_id"))));
                    return owned;
                });
    }

    /** Extends the claims of a flush. */
    public Future<Integer> renew(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(RENEW)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                .map(rows -> rows.rowCount());
    }

    /**
     * What a flush has resulted in.
     *
     * @param revision of the account when the mutations were claimed
     * @param hold why the queue waits, if it does
     * @param holdDelay for how long
     * @param holdEnds whether the server has answered after failures
     * @param ageMax mutations that are older have failed, if the queue waits
     */
    public record Flushed(
            Map<MutationId, MutationOutcome> outcomes,
            long revision,
            Optional<QueueHold> hold,
            Duration holdDelay,
            boolean holdEnds,
            Duration ageMax) {}

    /**
     * Stores the outcomes and appends the final ones to the change log, in the connection's transaction.
     *
     * @return how many this process still owned; the others were claimed by another process or discarded, and their outcome is not stored
     */
    public Future<Integer> storeOutcomes(
            SqlConnection connection, TenantId tenant, AccountId account, Flushed flushed) {
        boolean anyFinal = flushed.hold().isPresent()
                || flushed.outcomes().values().stream()
                        .anyMatch(outcome -> outcome instanceof MutationOutcome.Rejected
                                || outcome instanceof MutationOutcome.Failed);
        Future<?> locked = anyFinal ? ChangeLogAppend.lock(connection, account) : Future.succeededFuture();
        return locked.compose(done -> update(connection, account, flushed))
                .compose(stored -> updateHold(connection, account, flushed, !stored.isEmpty())
                        .compose(tooOld -> {
                            List<Row> ended = new ArrayList<>(stored);
                            tooOld.forEach(ended::add);
                            return appendChanges(connection, tenant, account, ended)
                                    .map(appended -> stored.size());
                        }));
    }

    /**
     * @param owned whether this process owned any of the mutations: what another process found out later counts more
     * @return the mutations that have failed because they have waited for too long
     */
    private Future<List<Row>> updateHold(SqlConnection connection, AccountId account, Flushed flushed, boolean owned) {
        if (!owned || flushed.hold().isEmpty()) {
            return (owned && flushed.holdEnds() ? holds.end(connection, account) : Future.<Void>succeededFuture())
                    .map(ended -> List.of());
        }
        QueueHold hold = flushed.hold().get();
        return holds.hold(connection, account, flushed.revision(), hold, flushed.holdDelay())
                .compose(held -> connection
                        .preparedQuery(FAIL_TOO_OLD)
                        .execute(Tuple.of(
                                account.value(),
                                flushed.ageMax().toMillis(),
                                ErrorText.storable(RetrySchedule.tooOld(hold.text(), flushed.ageMax())),
                                FAILED_MAX)))
                .map(rows -> {
                    List<Row> failed = new ArrayList<>();
                    rows.forEach(failed::add);
                    return failed;
                });
    }

    /** One statement for all mutations with equal outcomes; mostly there is one statement. */
    private Future<List<Row>> update(SqlConnection connection, AccountId account, Flushed flushed) {
        Map<MutationStep, List<UUID>> steps = new LinkedHashMap<>();
        flushed.outcomes()
                .forEach((id, outcome) -> steps.computeIfAbsent(
                                MutationStep.of(outcome, flushed.holdDelay()), step -> new ArrayList<>())
                        .add(id.value()));
        List<Future<RowSet<Row>>> updates = new ArrayList<>();
        steps.forEach((step, ids) -> updates.add(connection
                .preparedQuery(STORE_OUTCOME)
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addString(claimant)
                        .addArrayOfUUID(ids.toArray(UUID[]::new))
                        .addString(step.state())
                        .addString(step.error())
                        .addBoolean(step.held())
                        .addLong(step.delay().toMillis())
                        .addInteger(step.uncountedAttempts())
                        .addLong(flushed.revision())
                        .addBoolean(step.outOfDate())
                        .addInteger(step.interruptionsMin())
                        .addInteger(step.interruptionsMax()))));
        return Future.all(updates).map(done -> {
            List<Row> stored = new ArrayList<>();
            updates.forEach(update -> update.result().forEach(stored::add));
            return stored;
        });
    }

    private static Future<Void> appendChanges(
            SqlConnection connection, TenantId tenant, AccountId account, List<Row> stored) {
        Map<UUID, Change> changes = new LinkedHashMap<>();
        for (Row row : stored) {
            var id = new MutationId(row.getUUID("mutation_id"));
            Optional<EmailId> email =
                    Optional.ofNullable(row.getUUID("email_id")).map(EmailId::new);
            switch (row.getString("state")) {
                case "rejected" -> changes.put(id.value(), new MutationRejected(id, email, row.getString("error")));
                case "failed" -> changes.put(id.value(), new MutationFailed(id, email, row.getString("error")));
                default -> {
                    // Not final.
                }
            }
        }
        return ChangeLogAppend.append(connection, tenant, account, changes);
    }
}
