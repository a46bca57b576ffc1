package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * Encrypts the column {@code credential.ciphertext} with a keyset from a file (Tink AEAD). The ciphertext is bound to tenant, account and kind,
 * so a row that is copied to another account does not decrypt. Any thread may use it; encrypting and decrypting never block.
 */
public final class CredentialCipher {
    private final KeysetFile file;
    private volatile Loaded loaded;

    private CredentialCipher(KeysetFile file) {
        this.file = file;
        this.loaded = load(file.text());
    }

    /** @param digest of the file's text, by which a change is noticed */
    private record Loaded(Keyset keyset, Aead aead, byte[] digest) {}

    /** @throws IllegalStateException naming the file, if it is missing or not a keyset in plain text */
    public static CredentialCipher fromKeysetFile(Path file) {
        return from(KeysetFile.of(file, Optional.empty()));
    }

    /**
     * Reads the file, and asks the KMS that encrypts it, if any. Blocks.
     *
     * @throws IllegalStateException as {@link KeysetFile#read()}
     */
    public static CredentialCipher from(KeysetFile file) {
        return new CredentialCipher(file);
    }

    /** As {@link KeysetFile#create()}, in plain text. */
    public static void createKeysetFile(Path file) throws IOException {
        KeysetFile.of(file, Optional.empty()).create();
    }

    /**
     * Reads the file again and uses its keyset from now on. Blocks; asks the KMS only if the file has changed. Returns whether it has.
     *
     * @throws IllegalStateException as {@link KeysetFile#read()}; the keyset in use stays
     */
    public boolean refresh() {
        String text = file.text();
        if (MessageDigest.isEqual(digest(text), loaded.digest())) {
            return false;
        }
        loaded = load(text);
        return true;
    }

    /** The keyset in use. */
    public Keyset keyset() {
        return loaded.keyset();
    }

    public byte[] encrypt(TenantId tenant, AccountId account, Credential credential) {
        try {
            return loaded.aead()
                    .encrypt(
                            credential.secret().reveal().getBytes(StandardCharsets.UTF_8),
                            binding(tenant, account, credential.kind()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot encrypt a credential", e);
        }
    }

    /** @throws IllegalStateException if it was encrypted for another account or with a key that the keyset does not hold */
    public Credential decrypt(TenantId tenant, AccountId account, String kind, byte[] ciphertext) {
        Loaded current = loaded;
        try {
            return Credential.of(
                    kind,
                    new Secret(new String(
                            current.aead().decrypt(ciphertext, binding(tenant, account, kind)),
                            StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the credential of account " + account + " does not decrypt: "
                            + reason(current.keyset(), ciphertext),
                    e);
        }
    }

    private static String reason(Keyset keyset, byte[] ciphertext) {
        return KeyId.ofCiphertext(ciphertext)
                .filter(id -> keyset.keys().stream().noneMatch(key -> key.id().equals(id)))
                .map(id -> "the keyset of POSTBUS_KEYSET does not hold key " + id + ", with which it was encrypted")
                .orElse("is POSTBUS_KEYSET the keyset it was encrypted with?");
    }

    private Loaded load(String text) {
        Keyset keyset = file.parse(text);
        try {
            return new Loaded(keyset, keyset.aead(), digest(text));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the keyset " + file.path() + " has keys that are not for AEAD", e);
        }
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    private static byte[] binding(TenantId tenant, AccountId account, String kind) {
        return (tenant + "/" + account + "/" + kind).getBytes(StandardCharsets.UTF_8);
    }
}
