package org.postbus.outbound;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.AccountRecord;

/** The tables {@code account} and {@code credential}, as the outbound side sees them. */
public final class AccountTable {
    private static final String LOGIN = """
            select a.settings::text as settings, a.revision, c.kind, c.ciphertext
            from account a left join credential c on c.account_id = a.account_id
            where a.account_id = $1
            """;

    private static final String WAKE = "update account set wake = wake + 1 where account_id = $1";

    private static final String LOCK = """
            select tenant_id, protocol, status, revision, wake, published_wake
            from account where account_id = $1 for no key update
            """;

    private static final String PUBLISHED = """
            update account set published_revision = $2, published_wake = $3 where account_id = $1
            """;

    /**
     * How to log in.
     *
     * @param credential empty if nothing is stored to log in with
     */
    public record Login(AccountSettings settings, long revision, Optional<Encrypted> credential) {

        /** @throws ServerException {@link ServerFailure.AuthRejected} if there is none */
        public Credential credential(CredentialCipher cipher, TenantId tenant, AccountId account) {
            return credential
                    .map(stored -> cipher.decrypt(tenant, account, stored.kind(), stored.ciphertext()))
                    .orElseThrow(() -> new ServerException(
                            new ServerFailure.AuthRejected("the account has no password or access token: set one")));
        }
    }

    /** A credential that only {@link CredentialCipher} can read. */
    public record Encrypted(String kind, byte[] ciphertext) {}

    /** Empty if the account has been deleted. */
    public Future<Optional<Login>> login(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(LOGIN)
                .execute(Tuple.of(account.value()))
                .map(rows -> first(rows)
                        .map(row -> new Login(
                                EventCodec.decode(row.getString("settings"), AccountSettings.class),
                                row.getLong("revision"),
                                Optional.ofNullable(row.getBuffer("ciphertext"))
                                        .map(ciphertext ->
                                                new Encrypted(row.getString("kind"), ciphertext.getBytes())))));
    }

    /** Asks the account's fetcher to look; whoever publishes the account next tells it. */
    public Future<Void> wake(SqlConnection connection, AccountId account) {
        return connection.preparedQuery(WAKE).execute(Tuple.of(account.value())).mapEmpty();
    }

    /**
     * What is to be published, with the row locked until the transaction ends: publishers of an account take turns, so an
     * older record never comes after a newer one. Empty if there is nothing that was not published.
     */
    Future<Optional<AccountRecord>> lockUnpublished(SqlConnection connection, AccountId account) {
        return connection
                .preparedQuery(LOCK)
                .execute(Tuple.of(account.value()))
                .map(rows -> first(rows)
                        .filter(row -> row.getLong("published_wake") < row.getLong("wake"))
                        .map(row -> new AccountRecord(
                                new TenantId(row.getUUID("tenant_id")),
                                account,
                                AccountRecord.Protocol.of(row.getString("protocol")),
                                AccountRecord.Status.of(row.getString("status")),
                                row.getLong("revision"),
                                row.getLong("wake"))));
    }

    Future<Void> published(SqlConnection connection, AccountRecord record) {
        return connection
                .preparedQuery(PUBLISHED)
                .execute(Tuple.of(record.accountId().value(), record.revision(), record.wake()))
                .mapEmpty();
    }

    private static Optional<Row> first(RowSet<Row> rows) {
        var iterator = rows.iterator();
        return iterator.hasNext() ? Optional.of(iterator.next()) : Optional.empty();
    }
}
