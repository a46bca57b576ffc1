package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KeyStatus;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.aead.AeadConfig;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * AES-256-GCM keys, oldest first. All of them decrypt, the primary one encrypts. Immutable; its string contains no key.
 *
 * <p>A rotation has two steps, so that no process meets a ciphertext of a key that it has not loaded: {@link #withNewKey}, and when every
 * process has that keyset, {@link #withNewestPrimary}. The keys before the primary one are then old.
 */
public final class Keyset {
    private final KeysetHandle handle;

    Keyset(KeysetHandle handle) {
        this.handle = handle;
    }

    /** @param primary whether it encrypts */
    public record Key(KeyId id, boolean primary) {
        public Key {
            Objects.requireNonNull(id);
        }
    }

    /** One key. */
    static Keyset generate() {
        try {
            AeadConfig.register();
            return new Keyset(KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JVM has no AES-256-GCM", e);
        }
    }

    /** Oldest first. */
    public List<Key> keys() {
        return IntStream.range(0, handle.size())
                .mapToObj(handle::getAt)
                .map(entry -> new Key(new KeyId(entry.getId()), entry.isPrimary()))
                .toList();
    }

    public KeyId primary() {
        return new KeyId(handle.getPrimary().getId());
    }

    /** The keys that are older than the primary one. */
    public List<KeyId> old() {
        return keys().stream().takeWhile(key -> !key.primary()).map(Key::id).toList();
    }

    /** Whether the newest key encrypts; if not, a rotation is under way. */
    public boolean newestIsPrimary() {
        return keys().getLast().primary();
    }

    /** With one more key, which does not encrypt yet. */
    public Keyset withNewKey() {
        return changed(KeysetHandle.newBuilder(handle)
                .addEntry(KeysetHandle.generateEntryFromParameters(PredefinedAeadParameters.AES256_GCM)
                        .withRandomId()
                        .setStatus(KeyStatus.ENABLED)));
    }

    /** The newest key encrypts. */
    public Keyset withNewestPrimary() {
        KeysetHandle.Builder builder = KeysetHandle.newBuilder(handle);
        builder.getAt(builder.size() - 1).makePrimary();
        return changed(builder);
    }

    /** @throws IllegalArgumentException if one of them is the primary key */
    public Keyset without(Set<KeyId> unused) {
        if (unused.contains(primary())) {
            throw new IllegalArgumentException("the primary key cannot be removed");
        }
        KeysetHandle.Builder builder = KeysetHandle.newBuilder(handle);
        for (int i = handle.size() - 1; i >= 0; i--) {
            if (unused.contains(new KeyId(handle.getAt(i).getId()))) {
                builder.deleteAt(i);
            }
        }
        return changed(builder);
    }

    /** @throws GeneralSecurityException if a key is for something else */
    Aead aead() throws GeneralSecurityException {
        return handle.getPrimitive(RegistryConfiguration.get(), Aead.class);
    }

    KeysetHandle handle() {
        return handle;
    }

    private static Keyset changed(KeysetHandle.Builder builder) {
        try {
            return new Keyset(builder.build());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the keyset cannot be changed", e);
        }
    }

    @Override
    public String toString() {
        return keys().toString();
    }
}
