package org.postbus.gateway.content;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailId;
import org.postbus.model.TenantId;
import org.postbus.observation.EmailIdentity;

/** Reads {@link EmailOnServer}s from the database, and stores bodies that were read from mail servers. */
@ApplicationScoped
class EmailsOnServers {
    private final TenantTransactions transactions;
    private final CredentialCipher cipher;

    EmailsOnServers(TenantTransactions transactions, CredentialCipher cipher) {
        this.transactions = transactions;
        this.cipher = cipher;
    }

    /** Fails with a 404 problem for an email that does not exist, is not visible, or belongs to another tenant. */
    Uni<EmailOnServer> find(TenantId tenant, AccountId account, EmailId email) {
        return transactions.uni(
                tenant,
                connection -> connection
                        .preparedQuery("""
                        select a.settings::text, c.ciphertext, a.revision, e.identity, e.blob_id, e.size, b.body::text, c.kind
                        from email_view v
                        join email e on e.account_id = v.account_id and e.email_id = v.email_id
                        join account a on a.account_id = v.account_id
                        join credential c on c.account_id = v.account_id
                        left join email_body b on b.account_id = v.account_id and b.email_id = v.email_id
                        where v.account_id = $1 and v.email_id = $2 and v.visible""")
                        .execute(Tuple.of(account.value(), email.value()))
                        .compose(rows -> {
                            if (rows.size() == 0) {
                                return Future.failedFuture(Problem.notFound("email"));
                            }
                            Row row = rows.iterator().next();
                            return links(connection, account, email)
                                    .map(links -> read(tenant, account, email, row, links));
                        }));
    }

    private EmailOnServer read(
            TenantId tenant, AccountId account, EmailId email, Row row, List<EmailOnServer.Link> links) {
        return new EmailOnServer(
                tenant,
                account,
                email,
                EventCodec.decode(row.getString(0), AccountSettings.class),
                cipher.decrypt(
                        tenant, account, row.getString(7), row.getBuffer(1).getBytes()),
                row.getLong(2),
                jmapId(row.getString(3)),
                Optional.ofNullable(row.getString(4)),
                row.getLong(5),
                links,
                Optional.ofNullable(row.getString(6)).map(body -> EventCodec.decode(body, EmailBody.class)));
    }

    /** @param identity null if the server shows no id */
    private static Optional<String> jmapId(String identity) {
        return identity != null && EmailIdentity.of(identity) instanceof EmailIdentity.Jmap(var id)
                ? Optional.of(id)
                : Optional.empty();
    }

    private static Future<List<EmailOnServer.Link>> links(SqlConnection connection, AccountId account, EmailId email) {
        return connection
                .preparedQuery("""
                        select m.raw_name, l.uidvalidity, l.uid
                        from email_mailbox l
                        join mailbox m on m.account_id = l.account_id and m.mailbox_id = l.mailbox_id
                        where l.account_id = $1 and l.email_id = $2 and l.uid > 0 and m.raw_name is not null
                        order by m.mailbox_id, l.uid""")
                .execute(Tuple.of(account.value(), email.value()))
                .map(EmailsOnServers::links);
    }

    private static List<EmailOnServer.Link> links(RowSet<Row> rows) {
        List<EmailOnServer.Link> links = new ArrayList<>();
        rows.forEach(row -> links.add(new EmailOnServer.Link(row.getString(0), row.getLong(1), row.getLong(2))));
        return links;
    }

    /** Does nothing if the email no longer exists or has a body by now. */
    Uni<Void> keep(EmailOnServer email, EmailBody body) {
        return transactions.uni(
                email.tenant(),
                connection -> connection
                        .preparedQuery("select keep_email_body($1, $2, $3::text::jsonb)")
                        .execute(Tuple.of(
                                email.account().value(), email.email().value(), EventCodec.encodeToString(body)))
                        .mapEmpty());
    }
}
