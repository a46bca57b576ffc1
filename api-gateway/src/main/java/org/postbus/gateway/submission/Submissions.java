package org.postbus.gateway.submission;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
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
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.SubmissionCanceled;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.ChangeLogAppend;
import org.postbus.gateway.Database;
import org.postbus.gateway.GatewayConfig;
import org.postbus.gateway.Idempotency;
import org.postbus.gateway.Problem.Violation;
import org.postbus.gateway.Problem;
import org.postbus.gateway.mutation.MutationBells;
import org.postbus.model.AccountId;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

/** Takes in messages that are to be sent: rows of {@code submission}. The bell makes outbound-service look. */
@ApplicationScoped
public class Submissions {
    private static final String INSERT = """
            insert into submission (account_id, tenant_id, message, size, message_id, subject, mail_from, recipients,
                                    parent_id, parent_keyword, send_at, next_try_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($11, now()), greatest($11, now()))
            returning submission_id""";

    private final Database database;
    private final MutationBells bells;
    private final CredentialCipher cipher;

    Submissions(Database database, MutationBells bells, GatewayConfig config) {
        this.database = database;
        this.bells = bells;
        this.cipher = CredentialCipher.fromKeysetFile(config.keyset());
    }

    /**
     * What a message is made with, and sent by.
     *
     * @param email the account's address
     * @param parentHeaders of the email that it answers or forwards
     */
    record Ground(
            String email,
            AccountSettings settings,
            Credential credential,
            long revision,
            Optional<EmailHeaders> parentHeaders) {}

    /** Fails with a 404 problem if there is no such account, with 422 if it has nothing to send by or the parent is not there. */
    Uni<Ground> ground(TenantId tenant, AccountId account, Optional<EmailId> parent) {
        return database.transaction(
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
                                    .map(headers -> new Ground(
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

    /** Stored: it will be sent. */
    record Accepted(SubmissionId submissionId) {}

    Uni<Accepted> add(
            TenantId tenant,
            AccountId account,
            NewMessage message,
            Optional<Draft.Parent> parent,
            Optional<Instant> sendAt,
            Idempotency idempotency) {
        byte[] octets = message.message().octets();
        Tuple row = Tuple.tuple()
                .addUUID(account.value())
                .addUUID(tenant.value())
                .addBuffer(Buffer.buffer(octets))
                .addInteger(octets.length)
                .addString(message.messageId())
                .addString(message.subject())
                .addString(message.mailFrom())
                .addArrayOfString(message.recipients().toArray(String[]::new))
                .addUUID(parent.map(there -> there.emailId().value()).orElse(null))
                .addString(parent.map(Draft.Parent::keyword).orElse(null))
                .addOffsetDateTime(sendAt.map(time -> OffsetDateTime.ofInstant(time, ZoneOffset.UTC))
                        .orElse(null));
        return database.transaction(
                        tenant,
                        connection -> idempotency.once(
                                connection, tenant, Accepted.class, () -> insert(connection, tenant, account, row)))
                .invoke(() -> bells.ring(tenant, account));
    }

    private static Future<Accepted> insert(SqlConnection connection, TenantId tenant, AccountId account, Tuple row) {
        return ChangeLogAppend.lock(connection, account)
                .compose(locked -> connection.preparedQuery(INSERT).execute(row))
                .compose(rows -> {
                    var submission = new SubmissionId(rows.iterator().next().getUUID(0));
                    return tell(connection, tenant, account, submission, new SubmissionQueued(submission))
                            .map(told -> new Accepted(submission));
                });
    }

    private static Future<Void> tell(
            SqlConnection connection, TenantId tenant, AccountId account, SubmissionId submission, Change change) {
        return ChangeLogAppend.append(connection, tenant, account, Map.of(submission.value(), change));
    }

    /**
     * Sends it (again): a person has decided. Of one that was sent, it is the copy that is tried again. Fails with a 404 problem, or
     * with 409 if there is nothing to try again.
     */
    Uni<Void> retry(TenantId tenant, AccountId account, SubmissionId submission) {
        return step(
                        tenant,
                        account,
                        submission,
                        new SubmissionQueued(submission),
                        "only what was rejected, failed or is in doubt can be tried again",
                        """
                update submission
                set state = case when state = 'sent' then 'sent' else 'queued' end,
                    copy = case when state = 'sent' then 'due' else copy end,
                    attempts = 0, checks = 0, transmitting = false, next_try_at = now(), error = null,
                    held_at_revision = null, claimed_by = null, claimed_until = null, updated_at = now()
                where account_id = $1 and submission_id = $2
                  and (state in ('rejected', 'failed', 'in-doubt') or (state = 'sent' and copy = 'failed'))
                returning old.state <> state as changed""")
                .invoke(() -> bells.ring(tenant, account));
    }

    /** It is not sent (again). Fails with a 404 problem, or with 409 if it is on its way or was sent. */
    Uni<Void> cancel(TenantId tenant, AccountId account, SubmissionId submission) {
        return step(tenant, account, submission, new SubmissionCanceled(submission), "it can not be called back", """
                update submission
                set state = 'canceled', next_try_at = null, message = null, claimed_by = null, claimed_until = null,
                    updated_at = now()
                where account_id = $1 and submission_id = $2
                  and state in ('queued', 'rejected', 'failed', 'in-doubt')
                returning true as changed""");
    }

    /** @param change what the world is told if the SQL says that the state has changed */
    private Uni<Void> step(
            TenantId tenant, AccountId account, SubmissionId submission, Change change, String refusal, String sql) {
        return database.transaction(
                tenant,
                connection -> ChangeLogAppend.lock(connection, account)
                        .compose(locked ->
                                connection.preparedQuery(sql).execute(Tuple.of(account.value(), submission.value())))
                        .compose(updated -> updated.rowCount() == 1
                                ? updated.iterator().next().getBoolean("changed")
                                        ? tell(connection, tenant, account, submission, change)
                                        : Future.<Void>succeededFuture()
                                : connection
                                        .preparedQuery(
                                                "select state from submission where account_id = $1 and submission_id = $2")
                                        .execute(Tuple.of(account.value(), submission.value()))
                                        .compose((RowSet<Row> rows) -> Future.failedFuture(
                                                rows.size() == 0
                                                        ? Problem.notFound("submission")
                                                        : Problem.conflict(refusal + "; it is "
                                                                + rows.iterator()
                                                                        .next()
                                                                        .getString(0))))));
    }
}
