package org.postbus.account.cipher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

class KeysetRotationTest {
    private static final TenantId TENANT = new TenantId(UUID.randomUUID());
    private static final AccountId ALICE = new AccountId(UUID.randomUUID());
    private static final Credential PASSWORD = new Credential.Password(new Secret("pässword"));

    @TempDir
    Path folder;

    private Path path;
    private KeysetFile file;
    /** Two services with the same file. */
    private CredentialCipher gateway;

    private CredentialCipher fetcher;
    private byte[] before;
    private KeyId first;

    @BeforeEach
    void newKeyset() throws IOException {
        path = folder.resolve("keyset.json");
        file = KeysetFile.of(path, Optional.empty());
        file.create();
        gateway = CredentialCipher.from(file);
        fetcher = CredentialCipher.from(file);
        first = gateway.keyset().primary();
        before = gateway.encrypt(TENANT, ALICE, PASSWORD);
    }

    @Test
    void ciphertext_names_its_key() {
        assertThat(KeyId.ofCiphertext(before)).contains(first);
        assertThat(KeyId.parse(first.toString())).isEqualTo(first);
        assertThat(KeyId.of(first.bytes())).isEqualTo(first);
        assertThat(KeyId.ofCiphertext(new byte[] {1, 2, 3})).isEmpty();
    }

    @Test
    void new_key_decrypts_before_it_encrypts() throws IOException {
        file.replace(file.read().withNewKey());

        assertThat(gateway.refresh()).isTrue();
        assertThat(gateway.keyset().keys()).hasSize(2);
        assertThat(gateway.keyset().primary()).isEqualTo(first);
        assertThat(gateway.keyset().old()).isEmpty();
        assertThat(gateway.keyset().newestIsPrimary()).isFalse();
    }

    @Test
    void process_that_has_only_the_first_step_reads_what_one_with_the_second_step_writes() throws IOException {
        file.replace(file.read().withNewKey());
        gateway.refresh();
        fetcher.refresh();
        file.replace(file.read().withNewestPrimary());
        gateway.refresh();

        byte[] after = gateway.encrypt(TENANT, ALICE, PASSWORD);

        assertThat(KeyId.ofCiphertext(after)).isNotEqualTo(Optional.of(first));
        assertThat(gateway.keyset().old()).containsExactly(first);
        assertThat(fetcher.keyset().primary()).isEqualTo(first);
        assertThat(fetcher.decrypt(TENANT, ALICE, "password", after)).isEqualTo(PASSWORD);
        assertThat(gateway.decrypt(TENANT, ALICE, "password", before)).isEqualTo(PASSWORD);
    }

    @Test
    void error_names_the_key_that_the_keyset_does_not_hold() throws IOException {
        file.replace(file.read().withNewKey().withNewestPrimary());
        gateway.refresh();
        byte[] after = gateway.encrypt(TENANT, ALICE, PASSWORD);

        assertThatThrownBy(() -> fetcher.decrypt(TENANT, ALICE, "password", after))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("does not hold key " + gateway.keyset().primary());

        fetcher.refresh();
        assertThat(fetcher.decrypt(TENANT, ALICE, "password", after)).isEqualTo(PASSWORD);
    }

    @Test
    void removed_key_does_not_decrypt_and_the_primary_one_cannot_be_removed() throws IOException {
        Keyset rotated = file.read().withNewKey().withNewestPrimary();
        assertThatThrownBy(() -> rotated.without(Set.of(rotated.primary())))
                .isInstanceOf(IllegalArgumentException.class);

        file.replace(rotated.without(Set.of(first)));
        gateway.refresh();

        assertThat(gateway.keyset().keys()).containsExactly(new Keyset.Key(rotated.primary(), true));
        assertThatThrownBy(() -> gateway.decrypt(TENANT, ALICE, "password", before))
                .hasMessageContaining("does not hold key " + first);
    }

    @Test
    void old_file_stays_as_a_backup_and_all_files_are_private() throws IOException {
        String old = Files.readString(path);

        Path backup = file.replace(file.read().withNewKey());

        assertThat(backup).hasContent(old);
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.toList();
            assertThat(all).containsExactlyInAnyOrder(path, backup);
            for (Path one : all) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(one)))
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void file_that_cannot_be_read_leaves_the_keyset_in_use() throws IOException {
        Files.writeString(path, "{\"primaryKeyId\": 1, \"key\": [");

        assertThatThrownBy(gateway::refresh)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(path.toString());

        assertThat(gateway.decrypt(TENANT, ALICE, "password", before)).isEqualTo(PASSWORD);
    }

    @Test
    void unchanged_file_is_not_a_change() {
        assertThat(gateway.refresh()).isFalse();
    }

    @Test
    void string_of_a_keyset_shows_ids_only() throws IOException {
        String key = Files.readString(path).replaceFirst("(?s).*\"value\":\\s*\"([^\"]+)\".*", "$1");

        assertThat(key).hasSizeGreaterThan(20);
        assertThat(file.read().toString()).contains(first.toString()).doesNotContain(key);
    }
}
