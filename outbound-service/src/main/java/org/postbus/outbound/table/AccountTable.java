package org.postbus.outbound.table;

import io.vertx.core.Future;
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

/** Reads an account's login from the tables {@code account} and {@code credential}. This service never writes to either. */
public final class AccountTable {
    private static final String LOGIN = """
            select a.settings::text as settings, a.revision, c.kind, c.ciphertext
            from account a left join credential c on c.account_id = a.account_id
            where a.account_id = $1
            """;

    /**
     * @param revision of the account; connections of an older revision are not used
     * @param credential empty if none is stored
     */
    public record Login(AccountSettings settings, long revision, Optional<Encrypted> credential) {

        /** @throws ServerException {@link ServerFailure.AuthRejected} if none is stored */
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
                .map(rows -> {
                    if (rows.rowCount() == 0) {
                        return Optional.empty();
                    }
                    var row = rows.iterator().next();
                    return Optional.of(new Login(
                            EventCodec.decode(row.getString("settings"), AccountSettings.class),
                            row.getLong("revision"),
                            Optional.ofNullable(row.getBuffer("ciphertext"))
                                    .map(ciphertext -> new Encrypted(row.getString("kind"), ciphertext.getBytes()))));
                });
    }
}
