package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Encrypts the column {@code credential.ciphertext} with a keyset from a file (Tink AEAD). The ciphertext is bound to tenant, account and kind,
 * so a row that is copied to another account does not decrypt.
 */
public final class CredentialCipher {
    private final Aead aead;

    private CredentialCipher(Aead aead) {
        this.aead = aead;
    }

    /** @throws IllegalStateException naming the file, if it is missing or not a keyset */
    public static CredentialCipher fromKeysetFile(Path file) {
        try {
            AeadConfig.register();
            KeysetHandle keyset =
                    TinkJsonProtoKeysetFormat.parseKeyset(Files.readString(file), InsecureSecretKeyAccess.get());
            return new CredentialCipher(keyset.getPrimitive(RegistryConfiguration.get(), Aead.class));
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot read the keyset " + file + ": set POSTBUS_KEYSET to the file that holds it", e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("not a Tink keyset: " + file, e);
        }
    }

    /** Writes a new AES-256-GCM keyset to a file that only its owner can read. Fails if the file exists: a keyset is never replaced. */
    public static void createKeysetFile(Path file) throws IOException {
        try {
            AeadConfig.register();
            KeysetHandle keyset = KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM);
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(
                    file,
                    TinkJsonProtoKeysetFormat.serializeKeyset(keyset, InsecureSecretKeyAccess.get()),
                    StandardOpenOption.WRITE);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JVM has no AES-256-GCM", e);
        }
    }

    public byte[] encrypt(TenantId tenant, AccountId account, Credential credential) {
        try {
            return aead.encrypt(
                    credential.secret().reveal().getBytes(StandardCharsets.UTF_8),
                    binding(tenant, account, credential.kind()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot encrypt a credential", e);
        }
    }

    /** @throws IllegalStateException if it was encrypted for another account or with another keyset */
    public Credential decrypt(TenantId tenant, AccountId account, String kind, byte[] ciphertext) {
        try {
            return Credential.of(
                    kind,
                    new Secret(new String(
                            aead.decrypt(ciphertext, binding(tenant, account, kind)), StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the credential of account " + account + " does not decrypt: is POSTBUS_KEYSET the keyset it was"
                            + " encrypted with?",
                    e);
        }
    }

    private static byte[] binding(TenantId tenant, AccountId account, String kind) {
        return (tenant + "/" + account + "/" + kind).getBytes(StandardCharsets.UTF_8);
    }
}
