package org.postbus.gateway.account;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.Database;
import org.postbus.gateway.GatewayConfig;
import org.postbus.gateway.Problem;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/**
 * The tables {@code account} and {@code credential}. Every change raises the account's revision, or leaves a tombstone, in
 * the same transaction: {@link AccountPublisher} tells the fetchers from that.
 */
@ApplicationScoped
public class AccountStore {
    private final Database database;
    private final CredentialCipher cipher;
    private final AccountPublisher publisher;

    AccountStore(Database database, GatewayConfig config, AccountPublisher publisher) {
        this.database = database;
        this.cipher = CredentialCipher.fromKeysetFile(config.keyset());
        this.publisher = publisher;
    }

    Uni<AccountId> create(TenantId tenant, AccountRequest request, Credential credential) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery("""
                                insert into account (tenant_id, protocol, email, settings, status)
                                values ($1, $2, $3, $4::text::jsonb, $5) returning account_id""")
                                .execute(Tuple.of(
                                        tenant.value(),
                                        protocol(request.settings()).wireName(),
                                        request.email(),
                                        json(request.settings()),
                                        request.status().wireName()))
                                .map(rows ->
                                        new AccountId(rows.iterator().next().getUUID(0)))
                                .compose(account -> store(connection, tenant, account, credential)
                                        .compose(stored -> connection
                                                .preparedQuery(
                                                        "insert into account_sync (account_id, tenant_id) values ($1, $2)")
                                                .execute(Tuple.of(account.value(), tenant.value())))
                                        .map(account)))
                .invoke(publisher::ring);
    }

    /** What a change starts from; {@code revision} tells whether somebody else was quicker. */
    record Stored(String email, AccountSettings settings, AccountRecord.Status status, long revision) {}

    /** Fails with a 404 problem. */
    Uni<Stored> find(TenantId tenant, AccountId account) {
        return database.transaction(
                tenant,
                connection -> connection
                        .preparedQuery(
                                "select email, settings::text, status, revision from account where account_id = $1")
                        .execute(Tuple.of(account.value()))
                        .map(rows -> {
                            Row row = only(rows);
                            return new Stored(
                                    row.getString(0),
                                    EventCodec.decode(row.getString(1), AccountSettings.class),
                                    AccountRecord.Status.of(row.getString(2)),
                                    row.getLong(3));
                        }));
    }

    /** Fails with a 409 problem if the account has changed since {@code revision}. */
    Uni<Void> change(TenantId tenant, AccountId account, long revision, AccountRequest request) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery("""
                                update account set settings = $3::text::jsonb, status = $4, revision = revision + 1
                                where account_id = $1 and revision = $2""")
                                .execute(Tuple.of(
                                        account.value(),
                                        revision,
                                        json(request.settings()),
                                        request.status().wireName()))
                                .compose(updated -> {
                                    if (updated.rowCount() == 0) {
                                        return Future.failedFuture(
                                                Problem.conflict("the account was changed meanwhile"));
                                    }
                                    return request.credential()
                                            .map(credential -> store(connection, tenant, account, credential))
                                            .orElseGet(Future::succeededFuture);
                                }))
                .invoke(publisher::ring);
    }

    /** Everything of the account goes in this transaction. Fails with a 404 problem. */
    Uni<Void> delete(TenantId tenant, AccountId account) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery("select lock_account_sync($1)")
                                .execute(Tuple.of(account.value()))
                                .compose(locked -> connection
                                        .preparedQuery("delete from account where account_id = $1 returning account_id")
                                        .execute(Tuple.of(account.value())))
                                .map(AccountStore::only)
                                .compose(deleted -> connection
                                        .preparedQuery(
                                                "insert into account_tombstone (account_id, tenant_id) values ($1, $2)")
                                        .execute(Tuple.of(account.value(), tenant.value())))
                                .<Void>mapEmpty())
                .invoke(publisher::ring);
    }

    /** Says "look now" to the account's fetcher. Fails with a 404 problem. */
    public Uni<Void> wake(TenantId tenant, AccountId account) {
        return database.transaction(
                        tenant,
                        connection -> connection
                                .preparedQuery(
                                        "update account set wake = wake + 1 where account_id = $1 returning wake")
                                .execute(Tuple.of(account.value()))
                                .map(AccountStore::only)
                                .<Void>mapEmpty())
                .invoke(publisher::ring);
    }

    private Future<Void> store(SqlConnection connection, TenantId tenant, AccountId account, Credential credential) {
        return connection
                .preparedQuery("""
                        insert into credential (account_id, kind, tenant_id, ciphertext) values ($1, $2, $3, $4)
                        on conflict (account_id) do update
                        set kind = excluded.kind, ciphertext = excluded.ciphertext, updated_at = now()""")
                .execute(Tuple.of(
                        account.value(),
                        credential.kind(),
                        tenant.value(),
                        Buffer.buffer(cipher.encrypt(tenant, account, credential))))
                .mapEmpty();
    }

    private static Row only(RowSet<Row> rows) {
        if (rows.size() == 0) {
            throw Problem.notFound("account");
        }
        return rows.iterator().next();
    }

    private static AccountRecord.Protocol protocol(AccountSettings settings) {
        return switch (settings) {
            case AccountSettings.Imap ignored -> AccountRecord.Protocol.IMAP;
            case AccountSettings.Jmap ignored -> AccountRecord.Protocol.JMAP;
        };
    }

    private static String json(AccountSettings settings) {
        return EventCodec.encodeToString(settings);
    }
}
