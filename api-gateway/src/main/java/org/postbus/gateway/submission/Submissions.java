package org.postbus.gateway.submission;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hibernate.reactive.mutiny.Mutiny;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.SubmissionCanceled;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.database.SessionChangeLog;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Stock;
import org.postbus.gateway.quota.StoredBytes;
import org.postbus.gateway.topic.MutationNotifications;
import org.postbus.kit.sql.ChangeLogAppend;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

/** Stores messages to be sent (rows of {@code submission}), retries and cancels them. outbound-service is notified after the commit. */
@ApplicationScoped
public class Submissions {
    private static final String INSERT = """
            with stored as (
              insert into submission (account_id, tenant_id, message, size, message_id, subject, mail_from, recipients,
                                      parent_id, parent_keyword, send_at, next_try_at)
              values (cast(:account as uuid), cast(:tenant as uuid), :message, :size, :messageId, :subject, :mailFrom,
                      array(select jsonb_array_elements_text(cast(cast(:recipients as text) as jsonb))),
                      cast(:parent as uuid), cast(:keyword as text),
                      coalesce(cast(:sendAt as timestamptz), now()), greatest(cast(:sendAt as timestamptz), now()))
              returning submission_id)
            select cast(submission_id as text) from stored""";

    /** A retry asks for the server to be tried now, so the hold on the account's other messages ends too. */
    private static final String RETRY = """
            with lifted as (
              update outbound_hold set next_try_at = now() where account_id = $1 and queue = 'submissions')
            update submission
            set state = case when state = 'sent' then 'sent' else 'queued' end,
                copy = case when state = 'sent' then 'due' else copy end,
                attempts = 0, checks = 0, interruptions = 0, transmitting = false, next_try_at = now(), retried_at = now(),
                error = null, held_at_revision = null, claimed_by = null, claimed_until = null, updated_at = now()
            where account_id = $1 and submission_id = $2
              and (state in ('rejected', 'failed', 'in-doubt') or (state = 'sent' and copy = 'failed')
                or (state = 'queued' and send_at <= now() and (attempts > 0
                  or exists (select from outbound_hold h where h.account_id = $1 and h.queue = 'submissions'))))
            returning old.state <> state as changed""";

    private static final String CANCEL = """
            update submission
            set state = 'canceled', next_try_at = null, message = null, claimed_by = null, claimed_until = null,
                updated_at = now()
            where account_id = $1 and submission_id = $2
              and state in ('queued', 'rejected', 'failed', 'in-doubt')
            returning true as changed""";

    private final Sessions sessions;
    private final TenantTransactions transactions;
    private final MutationNotifications notifications;
    private final CredentialCipher cipher;
    private final Stock stock;
    private final StoredBytes storedBytes;

    Submissions(
            Sessions sessions,
            TenantTransactions transactions,
            MutationNotifications notifications,
            CredentialCipher cipher,
            Stock stock,
            StoredBytes storedBytes) {
        this.sessions = sessions;
        this.transactions = transactions;
        this.notifications = notifications;
        this.cipher = cipher;
        this.stock = stock;
        this.storedBytes = storedBytes;
    }

    /**
     * The account that sends a message.
     *
     * @param email the account's address
     * @param parentHeaders of the email that the message answers or forwards
     */
    record Sender(
            String email,
            AccountSettings settings,
            Credential credential,
            long revision,
            Optional<EmailHeaders> parentHeaders) {}

    /** Fails with a 404 problem if there is no such account, with 422 if it can not send or the parent is not visible. */
    Uni<Sender> sender(TenantId tenant, AccountId account, Optional<EmailId> parent) {
        return transactions.uni(
                tenant,
                connection -> connection
                        .preparedQuery("""
                        select a.email, a.settings::text, a.revision, c.kind, c.ciphertext
                        from account a join credential c using (account_id)
                        where a.account_id = $1""")
                        .execute(Tuple.of(account.value()))
                        .compose(rows -> {
                            if (rows.size() == 0) {
                                return Future.failedFuture(Problem.notFound("account"));
                            }
                            Row row = rows.iterator().next();
                            AccountSettings settings = EventCodec.decode(row.getString(1), AccountSettings.class);
                            if (settings instanceof AccountSettings.Imap imap
                                    && imap.smtp().isEmpty()) {
                                return Future.failedFuture(
                                        Problem.invalid(
                                                List.of(
                                                        Violation.at(
                                                                "an account with protocol imap needs an SMTP server to send: PATCH it with smtp"))));
                            }
                            Credential credential = cipher.decrypt(
                                    tenant,
                                    account,
                                    row.getString(3),
                                    row.getBuffer(4).getBytes());
                            return parentHeaders(connection, account, parent)
                                    .map(headers -> new Sender(
                                            row.getString(0), settings, credential, row.getLong(2), headers));
                        }));
    }

    private static Future<Optional<EmailHeaders>> parentHeaders(
            SqlConnection connection, AccountId account, Optional<EmailId> parent) {
        if (parent.isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        return connection
                .preparedQuery(
                        "select headers from email_text_view where account_id = $1 and email_id = $2 and visible")
                .execute(Tuple.of(account.value(), parent.get().value()))
                .map(rows -> {
                    if (rows.size() == 0) {
                        throw Problem.invalid(List.of(Violation.at("there is no such email to answer or forward")));
                    }
                    return Optional.of(EventCodec.decode(rows.iterator().next().getString(0), EmailHeaders.class));
                });
    }

    record Accepted(SubmissionId submissionId) {}

    /** @param sendAt empty: now */
    Uni<Accepted> add(
            TenantId tenant,
            AccountId account,
            NewMessage message,
            Optional<Draft.Parent> parent,
            Optional<Instant> sendAt,
            Idempotency idempotency) {
        return sessions.write(
                        tenant,
                        session -> idempotency.once(
                                session,
                                tenant,
                                stock,
                                Accepted.class,
                                () -> insert(session, tenant, account, message, parent, sendAt)))
                .invoke(() -> {
                    notifications.notify(tenant, account);
                    storedBytes.measureSoon(tenant);
                });
    }

    private Uni<Accepted> insert(
            Mutiny.Session session,
            TenantId tenant,
            AccountId account,
            NewMessage message,
            Optional<Draft.Parent> parent,
            Optional<Instant> sendAt) {
        byte[] octets = message.message().octets();
        // As JSON in one text parameter, which needs no array type of Hibernate.
        ArrayNode recipients = EventCodec.mapper().createArrayNode();
        message.recipients().forEach(recipients::add);
        return SessionChangeLog.lock(session, account)
                .chain(() -> stock.requireStorage(session, tenant))
                .chain(() -> stock.require(session, tenant, Quota.QUEUED_SUBMISSIONS, 1))
                .chain(() -> stock.require(session, tenant, Quota.QUEUED_SUBMISSION_BYTES, octets.length))
                .chain(() -> session.createNativeQuery(INSERT, String.class)
                        .setParameter("account", account.value())
                        .setParameter("tenant", tenant.value())
                        .setParameter("message", octets)
                        .setParameter("size", octets.length)
                        .setParameter("messageId", message.messageId())
                        .setParameter("subject", message.subject())
                        .setParameter("mailFrom", message.mailFrom())
                        .setParameter("recipients", EventCodec.encodeToString(recipients))
                        .setParameter(
                                "parent",
                                parent.map(there -> there.emailId().value()).orElse(null))
                        .setParameter(
                                "keyword", parent.map(Draft.Parent::keyword).orElse(null))
                        .setParameter(
                                "sendAt",
                                sendAt.map(time -> OffsetDateTime.ofInstant(time, ZoneOffset.UTC))
                                        .orElse(null))
                        .getSingleResult())
                .map(SubmissionId::of)
                .call(submission -> SessionChangeLog.append(
                        session, tenant, account, submission.value(), new SubmissionQueued(submission)))
                .map(Accepted::new);
    }

    /**
     * Queues the message again. If it was sent, only its copy is due again. Fails with a 404 problem, or with 409 if its state allows no
     * retry.
     */
    Uni<Void> retry(TenantId tenant, AccountId account, SubmissionId submission) {
        return update(
                        tenant,
                        account,
                        submission,
                        new SubmissionQueued(submission),
                        "only a message that was rejected, failed, is in doubt or waits for another try can be retried",
                        RETRY)
                .invoke(() -> notifications.notify(tenant, account));
    }

    /** Fails with a 404 problem, or with 409 if the message is being sent or was sent. */
    Uni<Void> cancel(TenantId tenant, AccountId account, SubmissionId submission) {
        return update(
                tenant,
                account,
                submission,
                new SubmissionCanceled(submission),
                "a message that is being sent, was sent or was canceled can not be canceled",
                CANCEL);
    }

    /** @param change appended to the change log if the statement returns that the state has changed */
    private Uni<Void> update(
            TenantId tenant, AccountId account, SubmissionId submission, Change change, String refusal, String sql) {
        return transactions.uni(
                tenant,
                connection -> ChangeLogAppend.lock(connection, account)
                        .compose(locked ->
                                connection.preparedQuery(sql).execute(Tuple.of(account.value(), submission.value())))
                        .compose(updated -> {
                            if (updated.rowCount() == 0) {
                                return refuse(connection, account, submission, refusal);
                            }
                            return updated.iterator().next().getBoolean("changed")
                                    ? ChangeLogAppend.append(
                                            connection, tenant, account, Map.of(submission.value(), change))
                                    : Future.succeededFuture();
                        }));
    }

    private static Future<Void> refuse(
            SqlConnection connection, AccountId account, SubmissionId submission, String refusal) {
        return connection
                .preparedQuery("select state from submission where account_id = $1 and submission_id = $2")
                .execute(Tuple.of(account.value(), submission.value()))
                .compose((RowSet<Row> rows) -> Future.failedFuture(
                        rows.size() == 0
                                ? Problem.notFound("submission")
                                : Problem.conflict(refusal + " (its state is "
                                        + rows.iterator().next().getString(0) + ")")));
    }
}
