package org.postbus.outbound.table;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.MutationFailed;
import org.postbus.change.ChangeEvent.MutationRejected;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.ChangeLogAppend;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.MutationOutcome;

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
                     (p.state = 'queued' and (p.next_try_at <= now() or p.held_at_revision <> a.revision))
                       or (p.state = 'sending' and p.claimed_until < now()) as due,
                     p.state = 'queued' and p.next_try_at > now()
                       and coalesce(p.held_at_revision = a.revision, true) as waits,
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
                attempts = attempts + 1, held_at_revision = null, updated_at = now()
            where account_id = $1 and mutation_id = any (array(select mutation_id from chosen))
            returning mutation_id, email_id, mailbox_id, kind, patch::text as patch, attempts
            """;

    private static final String RENEW = """
            update pending_changes set claimed_until = now() + $3 * interval '1 millisecond'
            where account_id = $1 and claimed_by = $2 and state = 'sending'
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
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and mutation_id = any ($3) and claimed_by = $2 and state = 'sending'
            returning mutation_id, email_id, error, state
            """;

    private final String claimant;

    /** @param claimant names this process; a restarted process has another name */
    public PendingChangesTable(String claimant) {
        this.claimant = claimant;
    }

    public Future<MutationClaim> claim(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select pg_try_advisory_xact_lock(hashtextextended('outbound/' || $1, 0))")
                .execute(Tuple.of(account.toString()))
                .compose(locked -> locked.iterator().next().getBoolean(0)
                        ? connection
                                .preparedQuery(CLAIM)
                                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis(), CLAIM_MAX))
                                .map(PendingChangesTable::read)
                        : Future.succeededFuture(MutationClaim.NOTHING));
    }

    /** Extends the claims of a flush. */
    public Future<Integer> renew(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(RENEW)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                .map(rows -> rows.rowCount());
    }

    /**
     * Stores the outcomes and appends the final ones to the change log, in the connection's transaction.
     *
     * @param revision of the account when the mutations were claimed
     * @return how many this process still owned; the others were claimed by another process or discarded, and their outcome is not stored
     */
    public Future<Integer> storeOutcomes(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            long revision,
            Map<MutationId, MutationOutcome> outcomes) {
        boolean anyFinal = outcomes.values().stream()
                .anyMatch(outcome ->
                        outcome instanceof MutationOutcome.Rejected || outcome instanceof MutationOutcome.Failed);
        Future<?> locked = anyFinal ? ChangeLogAppend.lock(connection, account) : Future.succeededFuture();
        return locked.compose(done -> update(connection, account, revision, outcomes))
                .compose(stored ->
                        appendChanges(connection, tenant, account, stored).map(appended -> stored.size()));
    }

    /** One statement for all mutations with equal outcomes; mostly there is one statement. */
    private Future<List<Row>> update(
            SqlConnection connection, AccountId account, long revision, Map<MutationId, MutationOutcome> outcomes) {
        Map<Step, List<UUID>> steps = new LinkedHashMap<>();
        outcomes.forEach((id, outcome) -> steps.computeIfAbsent(Step.of(outcome), step -> new ArrayList<>())
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
                        .addBoolean(step.holdsAccount())
                        .addLong(step.delay().toMillis())
                        .addInteger(step.uncountedAttempts())
                        .addLong(revision))));
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

    /** The columns that an outcome sets; {@code error} may be null. */
    private record Step(String state, String error, boolean holdsAccount, Duration delay, int uncountedAttempts) {
        static Step of(MutationOutcome outcome) {
            return switch (outcome) {
                case MutationOutcome.Applied applied -> new Step("applied", null, false, Duration.ZERO, 0);
                case MutationOutcome.Rejected(var code, var text) ->
                    new Step("rejected", ErrorText.storable(code + ": " + text), false, Duration.ZERO, 0);
                case MutationOutcome.Deferred(var delay, var text, var holdsAccount) ->
                    new Step("queued", ErrorText.storable(text), holdsAccount, delay, 0);
                case MutationOutcome.NeedsLogin(var delay, var text) ->
                    new Step("queued", ErrorText.storable(text), true, delay, 1);
                case MutationOutcome.LocationUnknown(var delay, var text) ->
                    new Step("queued", ErrorText.storable(text), false, delay, 1);
                case MutationOutcome.Released released -> new Step("queued", null, false, Duration.ZERO, 1);
                case MutationOutcome.Failed(var text) ->
                    new Step("failed", ErrorText.storable(text), false, Duration.ZERO, 0);
            };
        }
    }

    private static MutationClaim read(Iterable<Row> rows) {
        List<EmailMutation> mutations = new ArrayList<>();
        Optional<MailboxMutation> mailboxMutation = Optional.empty();
        Map<MutationId, String> unreadable = new HashMap<>();
        for (Row row : rows) {
            var id = new MutationId(row.getUUID("mutation_id"));
            try {
                if (row.getUUID("email_id") == null) {
                    mailboxMutation = Optional.of(new MailboxMutation(
                            id,
                            new MailboxId(row.getUUID("mailbox_id")),
                            MailboxMutation.Change.of(
                                    row.getString("kind"), EventCodec.mapper().readTree(row.getString("patch"))),
                            row.getInteger("attempts")));
                    continue;
                }
                mutations.add(new EmailMutation(
                        id,
                        new EmailId(row.getUUID("email_id")),
                        row.getString("kind").equals("destroy")
                                ? new EmailMutation.Change.Destroy()
                                : EmailMutation.Change.ofPatch(
                                        EventCodec.mapper().readTree(row.getString("patch"))),
                        row.getInteger("attempts")));
            } catch (IllegalArgumentException e) {
                unreadable.put(id, e.getMessage());
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("PostgreSQL holds jsonb that is not JSON", e);
            }
        }
        // PostgreSQL orders a uuid by its octets, and so does its text form.
        mutations.sort(Comparator.comparing(mutation -> mutation.id().value().toString()));
        return new MutationClaim(mutations, mailboxMutation, unreadable);
    }
}
