package org.postbus.account.cipher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/** The tests share the state of {@link FakeKms}; JUnit runs them one after another. */
class KeyEncryptionKeyTest {
    private static final TenantId TENANT = new TenantId(UUID.randomUUID());
    private static final AccountId ALICE = new AccountId(UUID.randomUUID());
    private static final Credential PASSWORD = new Credential.Password(new Secret("pässword"));

    @TempDir
    Path folder;

    private Path path;
    private KeysetFile encrypted;
    private KeysetFile plain;

    @BeforeEach
    void files() {
        FakeKms.available = true;
        FakeKms.REQUESTS.clear();
        path = folder.resolve("keyset.json");
        encrypted = KeysetFile.of(path, Optional.of(FakeKms.URI));
        plain = KeysetFile.of(path, Optional.empty());
    }

    @Test
    void kms_is_asked_once_at_the_start_and_never_for_a_credential() throws IOException {
        encrypted.create();
        FakeKms.REQUESTS.clear();

        CredentialCipher cipher = CredentialCipher.from(encrypted);
        for (int i = 0; i < 10; i++) {
            byte[] ciphertext = cipher.encrypt(TENANT, ALICE, PASSWORD);
            assertThat(cipher.decrypt(TENANT, ALICE, "password", ciphertext)).isEqualTo(PASSWORD);
            cipher.refresh();
        }

        assertThat(FakeKms.REQUESTS).containsExactly("decrypt");
    }

    @Test
    void new_installation_is_encrypted_with_the_key_that_its_services_have() throws IOException {
        NewKeyset.create(path, Optional.of(FakeKms.URI));

        assertThat(Files.readString(path)).contains("encryptedKeyset");
        assertThat(encrypted.read().keys()).hasSize(1);
        String first = Files.readString(path);
        NewKeyset.create(path, Optional.of(FakeKms.URI));
        assertThat(Files.readString(path)).isEqualTo(first);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }

    @Test
    void new_installation_without_a_kms_is_plain_text() throws IOException {
        // An unset variable of compose is blank.
        NewKeyset.create(path, Optional.of(""));

        assertThat(plain.read().keys()).hasSize(1);
    }

    @Test
    void changed_file_is_decrypted_by_the_kms_once() throws IOException {
        encrypted.create();
        CredentialCipher cipher = CredentialCipher.from(encrypted);
        encrypted.replace(encrypted.read().withNewKey().withNewestPrimary());
        FakeKms.REQUESTS.clear();

        assertThat(cipher.refresh()).isTrue();
        assertThat(cipher.refresh()).isFalse();

        assertThat(FakeKms.REQUESTS).containsExactly("decrypt");
        assertThat(cipher.keyset().keys()).hasSize(2);
    }

    @Test
    void file_contains_no_key_in_plain_text() throws IOException {
        encrypted.create();

        assertThat(path).content().contains("encryptedKeyset").doesNotContain("keyData");
        Path other = folder.resolve("plain.json");
        KeysetFile.of(other, Optional.empty()).create();
        assertThat(other).content().contains("keyData");
        assertThatThrownBy(plain::read)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("POSTBUS_KEYSET_KEK_URI");
    }

    @Test
    void plain_file_is_refused_until_it_is_wrapped() throws IOException {
        plain.create();
        CredentialCipher before = CredentialCipher.from(plain);
        byte[] ciphertext = before.encrypt(TENANT, ALICE, PASSWORD);
        assertThatThrownBy(encrypted::read).hasMessageContaining("keyset wrap");

        Path backup = encrypted.wrap();

        assertThat(CredentialCipher.from(encrypted).decrypt(TENANT, ALICE, "password", ciphertext))
                .isEqualTo(PASSWORD);
        assertThat(Files.readString(backup)).doesNotContain("encryptedKeyset");
    }

    @Test
    void file_is_not_wrapped_without_a_kms_key_and_not_twice() throws IOException {
        plain.create();
        String before = Files.readString(path);
        assertThatThrownBy(plain::wrap).isInstanceOf(IllegalStateException.class);
        assertThat(path).hasContent(before);

        encrypted.wrap();
        assertThatThrownBy(encrypted::wrap).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void kms_that_is_away_at_a_refresh_leaves_the_keyset_in_use() throws IOException {
        encrypted.create();
        CredentialCipher cipher = CredentialCipher.from(encrypted);
        encrypted.replace(encrypted.read().withNewKey());
        FakeKms.available = false;

        assertThatThrownBy(cipher::refresh)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(FakeKms.URI)
                .hasMessageContaining("away");
        assertThat(cipher.keyset().keys()).hasSize(1);

        FakeKms.available = true;
        assertThat(cipher.refresh()).isTrue();
    }

    @Test
    void unknown_kms_is_named() {
        assertThatThrownBy(() -> KeysetFile.of(path, Optional.of("other-kms://key")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("other-kms://key");
    }
}
