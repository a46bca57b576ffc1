package org.postbus.outbound.submission;

import com.fasterxml.jackson.databind.node.ObjectNode;
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
import org.postbus.codec.EventCodec;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.AccountId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;
import org.postbus.outbound.ChangeLogAppend;
import org.postbus.outbound.submission.Submission.Task;

/**
 * The table {@code submission}, which is the queue, as the outbound side sees it. A submission is this process's while it bears
 * its name; nobody's result counts for one that is not theirs, but for the news that it was sent.
 */
final class SubmissionTable {
    /** A process renews its claim long before; after a crash others wait as long as this. */
    static final Duration CLAIM_TIME = Duration.ofSeconds(60);

    private static final int ERROR_LENGTH_MAX = 1_000;

    /** One at a time per account, anywhere: messages are large, and servers count connections. */
    private static final String CLAIM = """
            with due as (
              select s.submission_id
              from submission s join account a using (account_id)
              where s.account_id = $1 and a.status = 'active' and s.next_try_at is not null
                and (s.next_try_at <= now() or s.held_at_revision <> a.revision)
                and not exists (
                  select from submission h
                  where h.account_id = s.account_id and h.next_try_at is not null
                    and (h.claimed_until >= now() or (h.next_try_at > now() and h.held_at_revision = a.revision)))
              order by s.next_try_at, s.submission_id
              limit 1
            )
            update submission s
            set state = case when s.state = 'queued' then 'sending' else s.state end,
                attempts = s.attempts + (s.state in ('queued', 'sending'))::int,
                checks = s.checks + (s.state in ('in-doubt', 'sent'))::int,
                claimed_by = $2, claimed_until = now() + $3 * interval '1 millisecond',
                held_at_revision = null, updated_at = now()
            from due where s.account_id = $1 and s.submission_id = due.submission_id
            returning s.submission_id, s.state, s.transmitting, s.attempts, s.checks, s.message_id, s.mail_from, s.recipients,
                      s.message
            """;

    private static final String RENEW = """
            update submission set claimed_until = now() + $3 * interval '1 millisecond'
            where account_id = $1 and claimed_by = $2
            """;

    private static final String TRANSMITTING = """
            update submission set transmitting = true, updated_at = now()
            where account_id = $1 and submission_id = $2 and claimed_by = $3 and state = 'sending' and claimed_until > now()
            """;

    private static final String NOTE = """
            update submission
            set state = $4, transmitting = $5, copy = coalesce($6, copy), refused = coalesce($7::text::jsonb, refused),
                error = case when $4 = 'in-doubt' then coalesce($8, error) else $8 end, next_try_at = now() + $9 * interval '1 millisecond', held_at_revision = $10,
                attempts = attempts - $11, checks = case when state = $4 then checks else 0 end,
                sent_at = case when $4 = 'sent' then coalesce(sent_at, now()) end,
                message = case when $12 then null else message end,
                claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and submission_id = $2
              and (claimed_by = $3 or ($4 = 'sent' and state in ('in-doubt', 'sending')))
            returning old.state as previous, error
            """;

    private static final String PARENT = """
            insert into pending_changes (account_id, tenant_id, email_id, kind, patch)
            select s.account_id, s.tenant_id, s.parent_id, 'update',
                   jsonb_build_object('keywords', jsonb_build_object(s.parent_keyword, true))
            from submission s join email e on e.account_id = s.account_id and e.email_id = s.parent_id
            where s.account_id = $1 and s.submission_id = $2 and not s.parent_keyword = any (e.keywords)
            """;

    /** By its role; else by a name that it usually has. */
    private static final String SENT_MAILBOX = """
            select raw_name from mailbox
            where account_id = $1 and raw_name is not null and selectable
              and (role = 'sent' or lower(path) in ('sent', 'sent items', 'sent messages', 'inbox/sent'))
            order by role = 'sent' desc nulls last, mailbox_id limit 1
            """;

    private final String claimant;

    /** @param claimant this process and no other, not even its predecessor of the same name */
    SubmissionTable(String claimant) {
        this.claimant = claimant;
    }

    /** Empty if nothing is due, or the account is in somebody's hands. */
    Future<Optional<Submission>> claim(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery("select pg_try_advisory_xact_lock(hashtextextended('submission/' || $1, 0))")
                .execute(Tuple.of(account.toString()))
                .compose(locked -> locked.iterator().next().getBoolean(0)
                        ? connection
                                .preparedQuery(CLAIM)
                                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                                .map(rows -> rows.rowCount() == 0
                                        ? Optional.<Submission>empty()
                                        : Optional.of(read(rows.iterator().next())))
                        : Future.succeededFuture(Optional.empty()));
    }

    private static Submission read(Row row) {
        Buffer message = row.getBuffer("message");
        return new Submission(
                new SubmissionId(row.getUUID("submission_id")),
                switch (row.getString("state")) {
                    case "sending" -> row.getBoolean("transmitting") ? Task.RESOLVE : Task.SEND;
                    case "in-doubt" -> Task.LOOK;
                    case "sent" -> Task.COPY;
                    default -> throw new IllegalStateException("nothing is due in state " + row.getString("state"));
                },
                row.getInteger("attempts"),
                row.getInteger("checks"),
                row.getString("message_id"),
                row.getString("mail_from"),
                List.of(row.getArrayOfStrings("recipients")),
                message == null ? new byte[0] : message.getBytes());
    }

    /** Keeps the claim while something takes long. */
    Future<Void> renew(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(RENEW)
                .execute(Tuple.of(account.value(), claimant, CLAIM_TIME.toMillis()))
                .mapEmpty();
    }

    /** From now on nobody sends it again by itself. @return false if it is not ours any more */
    Future<Boolean> transmitting(SqlConnection connection, AccountId account, SubmissionId submission) {
        return connection
                .preparedQuery(TRANSMITTING)
                .execute(Tuple.of(account.value(), submission.value(), claimant))
                .map(rows -> rows.rowCount() == 1);
    }

    /**
     * Notes it and tells the world, in the transaction of the connection.
     *
     * @param revision of the account, that it was tried with
     * @return whether the outcome counted
     */
    Future<Boolean> note(
            SqlConnection connection,
            TenantId tenant,
            AccountId account,
            long revision,
            SubmissionId submission,
            SubmissionOutcome outcome) {
        Step step = Step.of(outcome);
        return ChangeLogAppend.lock(connection, account)
                .compose(locked -> connection
                        .preparedQuery(NOTE)
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
                                .addLong(step.holdsAccount() ? revision : null)
                                .addInteger(step.triesGivenBack())
                                .addBoolean(step.messageDone())))
                .compose(noted -> {
                    if (noted.rowCount() == 0) {
                        return Future.succeededFuture(false);
                    }
                    Row row = noted.iterator().next();
                    Map<UUID, Change> changes = row.getString("previous").equals(step.state())
                            ? Map.of()
                            : change(submission, outcome, row.getString("error"))
                                    .map(change -> Map.of(submission.value(), change))
                                    .orElse(Map.of());
                    return ChangeLogAppend.append(connection, tenant, account, changes)
                            .map(told -> true);
                });
    }

    /**
     * What the world is told when the state has changed: not that it is tried again, nor what becomes of the copy.
     *
     * @param error as it is in the row now
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
            case SubmissionOutcome.Again again -> Optional.empty();
            case SubmissionOutcome.Copied copied -> Optional.empty();
            case SubmissionOutcome.CopyAgain again -> Optional.empty();
            case SubmissionOutcome.CopyFailed failed -> Optional.empty();
        };
    }

    /** Asks for the keyword on the email that was answered or forwarded, if there is one: a wish like any other. */
    Future<Integer> wishForParent(SqlConnection connection, AccountId account, SubmissionId submission) {
        return connection
                .preparedQuery(PARENT)
                .execute(Tuple.of(account.value(), submission.value()))
                .map(rows -> rows.rowCount());
    }

    /** Empty if the account has none that we know of. */
    Future<Optional<MailboxName>> sentMailbox(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(SENT_MAILBOX)
                .execute(Tuple.of(account.value()))
                .map(rows -> rows.rowCount() == 0
                        ? Optional.empty()
                        : Optional.of(new MailboxName(rows.iterator().next().getString("raw_name"))));
    }

    /** What an outcome writes into the row; {@code null} leaves {@code copy} and {@code refused} as they are. */
    private record Step(
            String state,
            boolean transmitting,
            String copy,
            String refused,
            String error,
            Optional<Duration> next,
            boolean holdsAccount,
            int triesGivenBack,
            boolean messageDone) {

        static Step of(SubmissionOutcome outcome) {
            return switch (outcome) {
                case SubmissionOutcome.Sent(var refused, var copyDue) ->
                    new Step(
                            "sent",
                            false,
                            copyDue ? "due" : "none",
                            json(refused),
                            null,
                            copyDue ? Optional.of(SubmissionRule.COPY_WAIT) : Optional.empty(),
                            false,
                            0,
                            !copyDue);
                case SubmissionOutcome.Rejected(var text) -> idle("rejected", text);
                case SubmissionOutcome.Again(var delay, var text, var holds, var counts) ->
                    new Step("queued", false, null, null, cut(text), Optional.of(delay), holds, counts ? 0 : 1, false);
                case SubmissionOutcome.Failed(var text) -> idle("failed", text);
                case SubmissionOutcome.InDoubt(var text, var lookIn) ->
                    new Step("in-doubt", true, null, null, text.map(Step::cut).orElse(null), lookIn, false, 0, false);
                case SubmissionOutcome.Found found ->
                    new Step("sent", false, "done", null, null, Optional.empty(), false, 0, true);
                case SubmissionOutcome.Copied copied ->
                    new Step("sent", false, "done", null, null, Optional.empty(), false, 0, true);
                case SubmissionOutcome.CopyAgain(var delay, var text) ->
                    new Step("sent", false, "due", null, cut(text), Optional.of(delay), false, 0, false);
                case SubmissionOutcome.CopyFailed(var text) ->
                    new Step("sent", false, "failed", null, cut(text), Optional.empty(), false, 0, false);
            };
        }

        private static Step idle(String state, String text) {
            return new Step(state, false, null, null, cut(text), Optional.empty(), false, 0, false);
        }

        private static String json(Map<String, String> refused) {
            ObjectNode json = EventCodec.mapper().createObjectNode();
            refused.forEach((recipient, reply) -> json.put(recipient, cut(reply)));
            return EventCodec.encodeToString(json);
        }

        /** A server's text may be long, and PostgreSQL takes no U+0000. */
        private static String cut(String text) {
            String clean = text.replace('\0', ' ');
            return clean.length() <= ERROR_LENGTH_MAX ? clean : clean.substring(0, ERROR_LENGTH_MAX);
        }
    }
}
