package org.postbus.gateway.keyset;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.account.cipher.KeyId;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.kit.sql.Transaction;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** Which key encrypts which row of the table {@code credential}. */
@ApplicationScoped
class CredentialKeys {
    private final TenantTransactions transactions;
    private final CredentialCipher cipher;

    CredentialKeys(TenantTransactions transactions, CredentialCipher cipher) {
        this.transactions = transactions;
        this.cipher = cipher;
    }

    /** An account whose credential one of certain keys encrypts. */
    record Found(TenantId tenant, AccountId account) {}

    /** How many credentials of all tenants each key encrypts; keys that encrypt none are absent. Never blocks. */
    Future<Map<KeyId, Long>> count() {
        return transactions.futureWithoutTenant(connection -> connection
                .query("select key, credentials from credentials_by_key()")
                .execute()
                .map(rows -> {
                    Map<KeyId, Long> counts = new HashMap<>();
                    rows.forEach(row -> counts.put(KeyId.of(row.getBuffer(0).getBytes()), row.getLong(1)));
                    return counts;
                }));
    }

    /** At most {@code most} accounts with a greater id than the given one, in the order of their ids. Blocks a virtual thread. */
    List<Found> find(List<KeyId> keys, UUID after, int most) {
        Buffer[] ids = keys.stream().map(key -> Buffer.buffer(key.bytes())).toArray(Buffer[]::new);
        return StreamSupport.stream(
                        transactions
                                .query(
                                        "select tenant_id, account_id from credentials_of_keys($1, $2, $3)",
                                        Tuple.of(ids, after, most))
                                .spliterator(),
                        false)
                .map(row -> new Found(new TenantId(row.getUUID(0)), new AccountId(row.getUUID(1))))
                .toList();
    }

    /**
     * Encrypts a credential with the primary key. Returns false if there was nothing to do: it was deleted, changed, or encrypted by another
     * process meanwhile. Blocks a virtual thread.
     *
     * @throws IllegalStateException if it does not decrypt
     */
    boolean reencrypt(Found found, List<KeyId> old) {
        return transactions.call(found.tenant(), transaction -> reencrypt(transaction, found, old));
    }

    private boolean reencrypt(Transaction transaction, Found found, List<KeyId> old) {
        Iterator<Row> rows = transaction
                .run(
                        "select kind, ciphertext from credential where account_id = $1 for update",
                        found.account().value())
                .iterator();
        if (!rows.hasNext()) {
            return false;
        }
        Row row = rows.next();
        String kind = row.getString(0);
        byte[] ciphertext = row.getBuffer(1).getBytes();
        if (KeyId.ofCiphertext(ciphertext).filter(old::contains).isEmpty()) {
            return false;
        }
        byte[] fresh = cipher.encrypt(
                found.tenant(), found.account(), cipher.decrypt(found.tenant(), found.account(), kind, ciphertext));
        // updated_at stays: it is when the credential itself was changed.
        transaction.send(
                "update credential set ciphertext = $2 where account_id = $1",
                found.account().value(),
                Buffer.buffer(fresh));
        return true;
    }
}
