package org.postbus.outbound;

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
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

/**
 * The table {@code pending_changes}, which is the queue, as the outbound side sees it. A wish is this process's while it is
 * {@code sending} and bears its name; nobody's result counts for a wish that is not theirs.
 */
public final class PendingChangesTable {
    /** A flush renews its claim long before; after a crash others wait as long as this. */
    static final Duration CLAIM_TIME = Duration.ofSeconds(60);
    /** So many wishes are folded together; what is more waits for the next round. */
    static final int CLAIM_MAX = 5_000;

    private static final int ERROR_LENGTH_MAX = 1_000;

    /**
     * One flush per account at a time, anywhere: claims of an account exclude each other by an advisory lock, and one finds
     * nothing while wishes of the account are in somebody's hands. Within an email the order holds even when wishes wait: none
     * overtakes an older one. A wish for a mailbox is alone: it waits for all older wishes, and all younger ones wait for it; those
     * that name the mailbox until its echo is in, for only then is it known what the server calls it. On IMAP a wish also waits
     * until the echo of the email's last move is in: only then is it known which UID it has.
     *
     * <p>Reads the account's open wishes once and compares neighbours by windows: a join of the wishes with each other takes minutes
     * when there are ten thousand, for whatever the planner believes about a table that fills and empties all the time is wrong.
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
            ), echoes_missing as materialized (
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
                    select from echoes_missing b
                    where b.mutation_id < p.mutation_id and jsonb_exists(p.patch -> 'mailboxIds', b.mailbox_id::text))
                else not coalesce(after_any, false)
                  and not exists (
                    select from echoes_missing b
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

    /** By primary key: joined with a list of outcomes, five thousand were compared with each other. */
    private static final String NOTE = """
            update pending_changes
            set state = $4, error = $5, held_at_revision = case when $6 then $9::bigint end,
                next_try_at = now() + $7 * interval '1 millisecond', attempts = attempts - $8,
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and mutation_id = any ($3) and claimed_by = $2 and state = 'sending'
            returning mutation_id, email_id, error, state
            """;

    /**
     * @param wishes oldest first
     * @param mailboxWish if there is one, there are no others
     * @param unreadable wishes whose patch is none, with the reason
     */
    record Claim(List<Wish> wishes, Optional<MailboxWish> mailboxWish, Map<MutationId, String> unreadable) {
        static final Claim NOTHING = new Claim(List.of(), Optional.empty(), Map.of());

        Claim {
            wishes = List.copyOf(wishes);
            unreadable = Map.copyOf(unreadable);
        }

        boolean isEmpty() {
            return wishes.isEmpty() && mailboxWish.isEmpty() && unreadable.isEmpty();
        }
    }

    private final String claimant;

    /** @param claimant this process and no other, not even its predecessor of the same name */
    PendingChangesTable(String claimant) {
        this.claimant = claimant;
    }

    Future<Claim> claim(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select pg_try_advisory_xact_lock(hashtextextended('outbound/' || $1, 0))")
                .execute(Tuple.of(account.toString()))
                .compose(locked -> locked.iterator().next().getBoolean(0)
                        ? connection
                                .preparedQuery(CLAIM)
                                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis(), CLAIM_MAX))
                                .map(PendingChangesTable::read)
                        : Future.succeededFuture(Claim.NOTHING));
    }

    /** Keeps the claims of a flush that takes long. */
    Future<Integer> renew(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(RENEW)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                .map(rows -> rows.rowCount());
    }

    /**
     * @param revision of the account, that the wishes were tried with
     * @return how many were still ours; the others were taken over or discarded, and their outcome does not count
     */
    Future<Integer> note(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            long revision,
            Map<MutationId, Outcome> outcomes) {
        boolean ended = outcomes.values().stream()
                .anyMatch(outcome -> outcome instanceof Outcome.Rejected || outcome instanceof Outcome.Failed);
        Future<?> locked = ended ? ChangeLogAppend.lock(connection, account) : Future.succeededFuture();
        return locked.compose(done -> update(connection, account, revision, outcomes))
                .compose(noted -> tell(connection, tenant, account, noted).map(told -> noted.size()));
    }

    /** One statement for all that came to the same, which is mostly everything. */
    private Future<List<Row>> update(
            SqlConnection connection, AccountId account, long revision, Map<MutationId, Outcome> outcomes) {
        Map<Step, List<UUID>> steps = new LinkedHashMap<>();
        outcomes.forEach((id, outcome) -> steps.computeIfAbsent(Step.of(outcome), step -> new ArrayList<>())
                .add(id.value()));
        List<Future<RowSet<Row>>> updates = new ArrayList<>();
        steps.forEach((step, ids) -> updates.add(connection
                .preparedQuery(NOTE)
                .execute(Tuple.tuple()
                        .addUUID(account.value())
                        .addString(claimant)
                        .addArrayOfUUID(ids.toArray(UUID[]::new))
                        .addString(step.state())
                        .addString(step.error())
                        .addBoolean(step.holdsAccount())
                        .addLong(step.delay().toMillis())
                        .addInteger(step.triesGivenBack())
                        .addLong(revision))));
        return Future.all(updates).map(done -> {
            List<Row> noted = new ArrayList<>();
            updates.forEach(update -> update.result().forEach(noted::add));
            return noted;
        });
    }

    /** What ended is told to the world, in the same transaction. */
    private static Future<Void> tell(SqlConnection connection, TenantId tenant, AccountId account, List<Row> noted) {
        Map<UUID, Change> changes = new LinkedHashMap<>();
        for (Row row : noted) {
            var id = new MutationId(row.getUUID("mutation_id"));
            Optional<EmailId> email =
                    Optional.ofNullable(row.getUUID("email_id")).map(EmailId::new);
            switch (row.getString("state")) {
                case "rejected" -> changes.put(id.value(), new MutationRejected(id, email, row.getString("error")));
                case "failed" -> changes.put(id.value(), new MutationFailed(id, email, row.getString("error")));
                default -> {
                    // It is still under way.
                }
            }
        }
        return ChangeLogAppend.append(connection, tenant, account, changes);
    }

    /** What an outcome writes into the row; {@code error} is null where there is none. */
    private record Step(String state, String error, boolean holdsAccount, Duration delay, int triesGivenBack) {
        static Step of(Outcome outcome) {
            return switch (outcome) {
                case Outcome.Applied applied -> new Step("applied", null, false, Duration.ZERO, 0);
                case Outcome.Rejected(var code, var text) ->
                    new Step("rejected", cut(code + ": " + text), false, Duration.ZERO, 0);
                case Outcome.Deferred(var delay, var text, var holdsAccount) ->
                    new Step("queued", cut(text), holdsAccount, delay, 0);
                case Outcome.NeedsLogin(var delay, var text) -> new Step("queued", cut(text), true, delay, 1);
                case Outcome.Unplaced(var delay, var text) -> new Step("queued", cut(text), false, delay, 1);
                case Outcome.Released released -> new Step("queued", null, false, Duration.ZERO, 1);
                case Outcome.Failed(var text) -> new Step("failed", cut(text), false, Duration.ZERO, 0);
            };
        }

        /** A server's text may be long, and PostgreSQL takes no U+0000. */
        private static String cut(String text) {
            String clean = text.replace('\0', ' ');
            return clean.length() <= ERROR_LENGTH_MAX ? clean : clean.substring(0, ERROR_LENGTH_MAX);
        }
    }

    private static Claim read(Iterable<Row> rows) {
        List<Wish> wishes = new ArrayList<>();
        Optional<MailboxWish> mailboxWish = Optional.empty();
        Map<MutationId, String> unreadable = new HashMap<>();
        for (Row row : rows) {
            var id = new MutationId(row.getUUID("mutation_id"));
            try {
                if (row.getUUID("email_id") == null) {
                    mailboxWish = Optional.of(new MailboxWish(
                            id,
                            new MailboxId(row.getUUID("mailbox_id")),
                            MailboxWish.Change.of(
                                    row.getString("kind"), EventCodec.mapper().readTree(row.getString("patch"))),
                            row.getInteger("attempts")));
                    continue;
                }
                wishes.add(new Wish(
                        id,
                        new EmailId(row.getUUID("email_id")),
                        row.getString("kind").equals("destroy")
                                ? new Wish.Change.Destroy()
                                : Wish.Change.ofPatch(EventCodec.mapper().readTree(row.getString("patch"))),
                        row.getInteger("attempts")));
            } catch (IllegalArgumentException e) {
                unreadable.put(id, e.getMessage());
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("PostgreSQL holds jsonb that is not JSON", e);
            }
        }
        // As PostgreSQL orders a uuid: by its octets.
        wishes.sort(Comparator.comparing(wish -> wish.id().value().toString()));
        return new Claim(wishes, mailboxWish, unreadable);
    }
}
