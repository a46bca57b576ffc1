package org.postbus.outbound.table;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.SubmissionFailed;
import org.postbus.change.ChangeEvent.SubmissionInDoubt;
import org.postbus.change.ChangeEvent.SubmissionRejected;
import org.postbus.change.ChangeEvent.SubmissionSent;
import org.postbus.kit.sql.ChangeLogAppend;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.AccountId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;
import org.postbus.outbound.retry.QueueHold;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.Submission.Task;
import org.postbus.outbound.submission.SubmissionOutcome;

/**
 * The table {@code submission}, which is the queue of submissions. A process owns a submission while {@code claimed_by} names the process.
 * Only the owner's outcome is stored, except that it was sent: this is stored even after the claim was lost.
 */
public final class SubmissionTable {
    /** A process renews its claim much earlier; after a crash other processes wait this long. */
    public static final Duration CLAIM_TIME = Duration.ofSeconds(60);

    /**
     * One at a time per account, in all processes: messages are large, and servers limit connections. While the queue waits for its server, only
     * messages are claimed that were sent or may have been.
     */
    private static final String CLAIM = """
            with due as (
              select s.submission_id
              from submission s join account a using (account_id)
              where s.account_id = $1 and a.status = 'active' and s.next_try_at is not null
                and (s.next_try_at <= now() or s.held_at_revision <> a.revision)
                and (not $4 or s.state in ('in-doubt', 'sent'))
                and not exists (
                  select from submission h
                  where h.account_id = s.account_id and h.next_try_at is not null and h.claimed_until >= now())
              order by s.next_try_at, s.submission_id
              limit 1
            )
            update submission s
            set state = case when s.state = 'queued' then 'sending' else s.state end,
                attempts = s.attempts + (s.state in ('queued', 'sending'))::int,
                checks = s.checks + (s.state in ('in-doubt', 'sent'))::int,
                interruptions = s.interruptions + (s.state = 'sending')::int,
                claimed_by = $2, claimed_until = now() + $3 * interval '1 millisecond',
                held_at_revision = null, updated_at = now()
            from due where s.account_id = $1 and s.submission_id = due.submission_id
            returning s.submission_id, s.state, s.transmitting, s.attempts, s.checks, s.interruptions, s.message_id,
                      s.mail_from, s.recipients, s.message,
                      (extract(epoch from greatest(interval '0',
                        now() - coalesce(s.sent_at, greatest(coalesce(s.retried_at, s.created_at), s.send_at)))) * 1000)::bigint as age_ms
            """;

    private static final String RENEW = """
            update submission set claimed_until = now() + $3 * interval '1 millisecond'
            where account_id = $1 and claimed_by = $2
            """;

    private static final String TRANSMITTING = """
            update submission set transmitting = true, updated_at = now()
            where account_id = $1 and submission_id = $2 and claimed_by = $3 and state = 'sending' and claimed_until > now()
            """;

    private static final String CONFIRM = """
            update submission set claimed_until = now() + $4 * interval '1 millisecond'
            where account_id = $1 and submission_id = $2 and claimed_by = $3
            """;

    private static final String STORE_OUTCOME = """
            update submission
            set state = $4, transmitting = $5, copy = coalesce($6, copy), refused = coalesce($7::text::jsonb, refused),
                error = case when $4 = 'in-doubt' then coalesce($8, error) else $8 end,
                next_try_at = now() + $9 * interval '1 millisecond', held_at_revision = $10,
                attempts = attempts - $11, checks = case when state = $4 then checks - $13 else 0 end, interruptions = 0,
                sent_at = case when $4 = 'sent' then coalesce(sent_at, now()) end,
                message = case when $12 then null else message end,
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and submission_id = $2
              and (claimed_by = $3 or ($4 = 'sent' and state in ('in-doubt', 'sending')))
            returning old.state as previous, error
            """;

    private static final String INSERT_PARENT_MUTATION = """
            insert into pending_changes (account_id, tenant_id, email_id, kind, patch)
            select s.account_id, s.tenant_id, s.parent_id, 'update',
                   jsonb_build_object('keywords', jsonb_build_object(s.parent_keyword, true))
            from submission s join email e on e.account_id = s.account_id and e.email_id = s.parent_id
            where s.account_id = $1 and s.submission_id = $2 and not s.parent_keyword = any (e.keywords)
            """;

    /** The mailbox with the role sent; else one with a usual name. */
    private static final String SENT_MAILBOX = """
            select raw_name from mailbox
            where account_id = $1 and raw_name is not null and selectable
              and (role = 'sent' or lower(path) in ('sent', 'sent items', 'sent messages', 'inbox/sent'))
            order by role = 'sent' desc nulls last, mailbox_id limit 1
            """;

    private final HoldTable holds = new HoldTable(QueueHold.Queue.SUBMISSIONS, "submission");
    private final String claimant;

    /** @param claimant names this process; a restarted process has another name */
    public SubmissionTable(String claimant) {
        this.claimant = claimant;
    }

    /**
     * @param held whether the queue was on hold until now
     * @param failures of the account's server in a row until now
     */
    public record Claim(Submission submission, boolean held, int failures) {}

    /** Empty if nothing is due, or another process owns a submission of the account. */
    public Future<Optional<Claim>> claim(SqlConnection connection, AccountId account) {
        return holds.enter(connection, account)
                .compose(entry -> entry.locked()
                        ? connection
                                .preparedQuery(CLAIM)
                                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis(), entry.waits()))
                                .map(rows -> rows.rowCount() == 0
                                        ? Optional.<Claim>empty()
                                        : Optional.of(new Claim(
                                                read(rows.iterator().next()), entry.held(), entry.failures())))
                        : Future.succeededFuture(Optional.empty()));
    }

    private static Submission read(Row row) {
        Buffer message = row.getBuffer("message");
        return new Submission(
                new SubmissionId(row.getUUID("submission_id")),
                switch (row.getString("state")) {
                    case "sending" -> row.getBoolean("transmitting") ? Task.RESOLVE : Task.SEND;
                    case "in-doubt" -> Task.CHECK;
                    case "sent" -> Task.COPY;
                    default -> throw new IllegalStateException("nothing is due in state " + row.getString("state"));
                },
                row.getInteger("attempts"),
                row.getInteger("checks"),
                row.getInteger("interruptions"),
                Duration.ofMillis(row.getLong("age_ms")),
                row.getString("message_id"),
                row.getString("mail_from"),
                List.of(row.getArrayOfStrings("recipients")),
                message == null ? new byte[0] : message.getBytes());
    }

    /** Extends the claim. */
    public Future<Void> renew(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(RENEW)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                .mapEmpty();
    }

    /**
     * From now on no process sends it again automatically.
     *
     * @return false if this process does not own it any more
     */
    public Future<Boolean> transmitting(SqlConnection connection, AccountId account, SubmissionId submission) {
        return connection
                .preparedQuery(TRANSMITTING)
                .execute(Tuple.of(account.value(), submission.value(), claimant))
                .map(rows -> rows.rowCount() == 1);
    }

    /** Extends the claim on one submission. @return false if this process does not own it any more */
    public Future<Boolean> confirm(SqlConnection connection, AccountId account, SubmissionId submission) {
        return connection
                .preparedQuery(CONFIRM)
                .execute(Tuple.of(account.value(), submission.value(), claimant, CLAIM_TIME.toMillis()))
                .map(rows -> rows.rowCount() == 1);
    }

    /**
     * Stores the outcome and appends it to the change log, in the connection's transaction.
     *
     * @param revision of the account when the submission was claimed
     * @param holdDelay how long the queue waits, if it does
     * @param holdEnds whether the server that sends has answered after failures
     * @return whether the outcome was stored
     */
    public Future<Boolean> storeOutcome(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            long revision,
            SubmissionId submission,
            SubmissionOutcome outcome,
            Duration holdDelay,
            boolean holdEnds) {
        SubmissionStep step = SubmissionStep.of(outcome, holdDelay);
        return ChangeLogAppend.lock(connection, account)
                .compose(locked -> connection
                        .preparedQuery(STORE_OUTCOME)
                        .execute(Tuple.tuple()
                                .addUUID(account.value())
                                .addUUID(submission.value())
                                .addString(claimant)
                                .addString(step.state())
                                .addBoolean(step.transmitting())
                                .addString(step.copy())
                                .addString(step.refused())
                                .addString(step.error())
                                .addLong(step.next().map(Duration::toMillis).orElse(null))
                                .addLong(step.held() ? revision : null)
                                .addInteger(step.uncountedAttempts())
                                .addBoolean(step.messageDone())
                                .addInteger(step.uncountedChecks())))
                .compose(stored -> {
                    if (stored.rowCount() == 0) {
                        return Future.succeededFuture(false);
                    }
                    Row row = stored.iterator().next();
                    Map<UUID, Change> changes = row.getString("previous").equals(step.state())
                            ? Map.of()
                            : change(submission, outcome, row.getString("error"))
                                    .map(change -> Map.of(submission.value(), change))
                                    .orElse(Map.of());
                    // Not by a process that has lost the claim: what it found is out of date.
                    return updateHold(connection, account, revision, outcome, holdDelay, holdEnds)
                            .compose(held -> ChangeLogAppend.append(connection, tenant, account, changes))
                            .map(appended -> true);
                });
    }

    private Future<Void> updateHold(
            SqlConnection connection,
            AccountId account,
            long revision,
            SubmissionOutcome outcome,
            Duration holdDelay,
            boolean holdEnds) {
        if (outcome instanceof SubmissionOutcome.Held(var hold)) {
            return holds.hold(connection, account, revision, hold, holdDelay);
        }
        return holdEnds ? holds.end(connection, account) : Future.succeededFuture();
    }

    /**
     * The change that subscribers see when the state has changed. Retries and the copy are not published.
     *
     * @param error as it is stored now
     */
    private static Optional<Change> change(SubmissionId submission, SubmissionOutcome outcome, String error) {
        return switch (outcome) {
            case SubmissionOutcome.Sent(var refused, var copyDue) ->
                Optional.of(new SubmissionSent(
                        submission, refused.keySet().stream().sorted().toList()));
            case SubmissionOutcome.Found found -> Optional.of(new SubmissionSent(submission, List.of()));
            case SubmissionOutcome.Rejected rejected -> Optional.of(new SubmissionRejected(submission, error));
            case SubmissionOutcome.Failed failed -> Optional.of(new SubmissionFailed(submission, error));
            case SubmissionOutcome.InDoubt doubt -> Optional.of(new SubmissionInDoubt(submission, error));
            case SubmissionOutcome.Retried retried -> Optional.empty();
            case SubmissionOutcome.Held held -> Optional.empty();
            case SubmissionOutcome.Copied copied -> Optional.empty();
            case SubmissionOutcome.CopyRetried retried -> Optional.empty();
            case SubmissionOutcome.CopyFailed failed -> Optional.empty();
        };
    }

    /** Queues a mutation that sets {@code $answered} or {@code $forwarded} on the email that was answered or forwarded, if there is one. */
    public Future<Integer> insertParentMutation(SqlConnection connection, AccountId account, SubmissionId submission) {
        return connection
                .preparedQuery(INSERT_PARENT_MUTATION)
                .execute(Tuple.of(account.value(), submission.value()))
                .map(rows -> rows.rowCount());
    }

    /** The account's Sent mailbox; empty if none is known. */
    public Future<Optional<MailboxName>> sentMailbox(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(SENT_MAILBOX)
                .execute(Tuple.of(account.value()))
                .map(rows -> rows.rowCount() == 0
                        ? Optional.empty()
                        : Optional.of(new MailboxName(rows.iterator().next().getString("raw_name"))));
    }
}
