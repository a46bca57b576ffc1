package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.KeysetFile;
import org.postbus.model.AccountId;

/** The rotation of the keyset while two gateways run. */
class KeysetIT extends GatewayTest {
    /** The file is read every 10 s, and the job runs every 15 s. */
    private static final Duration LOADED_WITHIN = Duration.ofSeconds(60);

    private final KeysetFile file = KeysetFile.of(GatewayProcess.KEYSET, Optional.empty());

    @Test
    void rotation_needs_no_restart_and_encrypts_every_credential_again() throws IOException {
        // Given: a credential, and one that does not decrypt with the key that it names
        KeyId before = file.read().primary();
        AccountId broken = createAccount(api);
        stored.update("update credential set ciphertext = ciphertext || '\\x00' where account_id = ?", broken.value());
        Object changed = updatedAt();
        byte[] old = ciphertext();
        assertThat(KeyId.ofCiphertext(old)).contains(before);

        // When: the first step
        file.replace(file.read().withNewKey());
        KeyId after = file.read().keys().getLast().id();
        Awaitility.await().atMost(LOADED_WITHIN).untilAsserted(() -> {
            assertThat(key(gateway, after).path("held").asBoolean()).isTrue();
            assertThat(key(strict, after).path("held").asBoolean()).isTrue();
        });

        // Then: the new key does not encrypt yet
        AccountId between = createAccount(api);
        assertThat(KeyId.ofCiphertext(ciphertext(between))).contains(before);

        // When: the second step
        file.replace(file.read().withNewestPrimary());

        // Then: one credential is left with the old key, the one that does not decrypt
        Awaitility.await().atMost(LOADED_WITHIN).untilAsserted(() -> {
            assertThat(key(gateway, after).path("primary").asBoolean()).isTrue();
            assertThat(key(strict, after).path("primary").asBoolean()).isTrue();
            assertThat(key(gateway, before).path("credentials").asLong()).isEqualTo(1);
        });
        assertThat(KeyId.ofCiphertext(ciphertext(broken))).contains(before);
        byte[] fresh = ciphertext();
        assertThat(KeyId.ofCiphertext(fresh)).contains(after);
        assertThat(CredentialCipher.from(file).decrypt(tenant, account, "password", fresh))
                .isEqualTo(new Credential.Password(new Secret("s3cret")));
        assertThat(updatedAt()).isEqualTo(changed);
        assertThat(KeyId.ofCiphertext(ciphertext(createAccount(api)))).contains(after);

        // When
        assertThat(api.call("DELETE", "/v1/accounts/" + broken, null).status()).isEqualTo(204);

        // Then: nothing uses the old key
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(
                                key(gateway, before).path("credentials").asLong())
                        .isZero());
    }

    @Test
    void keys_are_shown_to_operators_only() {
        assertThat(operator().get("/v1/admin/keyset").json().path("keys")).isNotEmpty();
        assertThat(api.get("/v1/admin/keyset").status()).isEqualTo(403);
    }

    private static JsonNode key(GatewayProcess process, KeyId id) {
        ApiCaller caller = new ApiCaller(http, process.url(), Optional.of(operatorKey.reveal()));
        return StreamSupport.stream(
                        caller.get("/v1/admin/keyset").json().path("keys").spliterator(), false)
                .filter(key -> key.path("id").asLong() == id.unsigned())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no key " + id));
    }

    private byte[] ciphertext() {
        return ciphertext(account);
    }

    private static byte[] ciphertext(AccountId account) {
        return (byte[]) stored.value("select ciphertext from credential where account_id = ?", account.value());
    }

    private Object updatedAt() {
        return stored.value("select updated_at from credential where account_id = ?", account.value());
    }
}
