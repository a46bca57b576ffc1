package org.postbus.account.cipher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

class CredentialCipherTest {
    private static final TenantId TENANT = new TenantId(UUID.randomUUID());
    private static final AccountId ALICE = new AccountId(UUID.randomUUID());
    private static final AccountId BOB = new AccountId(UUID.randomUUID());
    private static final Secret PASSWORD = new Secret("pässword");

    @TempDir
    Path folder;

    private CredentialCipher cipher;

    @BeforeEach
    void newKeyset() throws IOException {
        CredentialCipher.createKeysetFile(folder.resolve("keyset.json"));
        cipher = CredentialCipher.fromKeysetFile(folder.resolve("keyset.json"));
    }

    @Test
    void secret_is_decrypted_for_its_own_account() {
        byte[] ciphertext = cipher.encrypt(TENANT, ALICE, new Credential.Password(PASSWORD));

        assertThat(cipher.decrypt(TENANT, ALICE, "password", ciphertext)).isEqualTo(new Credential.Password(PASSWORD));
    }

    @Test
    void password_does_not_decrypt_as_an_access_token() {
        byte[] ciphertext = cipher.encrypt(TENANT, ALICE, new Credential.Password(PASSWORD));

        assertThatThrownBy(() -> cipher.decrypt(TENANT, ALICE, "access-token", ciphertext))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void ciphertext_copied_to_another_account_does_not_decrypt() {
        byte[] ciphertext = cipher.encrypt(TENANT, ALICE, new Credential.Password(PASSWORD));

        assertThatThrownBy(() -> cipher.decrypt(TENANT, BOB, "password", ciphertext))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("POSTBUS_KEYSET");
    }

    @Test
    void keyset_file_is_private_and_is_never_replaced() throws IOException {
        Path file = folder.resolve("keyset.json");

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThatThrownBy(() -> CredentialCipher.createKeysetFile(file))
                .isInstanceOf(FileAlreadyExistsException.class);
    }

    @Test
    void string_of_a_secret_does_not_contain_it() {
        assertThat(PASSWORD.toString()).doesNotContain("pässword");
    }
}
