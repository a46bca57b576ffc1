package org.postbus.account.cipher;

import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Objects;
import java.util.Optional;

/**
 * The file that holds the keyset: Tink's JSON format, in plain text or encrypted with a key of a KMS. Tink's own tools read it too. Only its
 * owner can read it, and so its backups.
 */
public final class KeysetFile {
    private static final DateTimeFormatter BACKUP_TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final byte[] NO_ASSOCIATED_DATA = new byte[0];

    private final Path path;
    private final Optional<KeyEncryptionKey> kek;

    private KeysetFile(Path path, Optional<KeyEncryptionKey> kek) {
        this.path = Objects.requireNonNull(path);
        this.kek = kek;
    }

    /**
     * @param kekUri the key of a KMS that encrypts the file; empty: the file is plain text
     * @throws IllegalStateException if no KMS client is available for the URI
     */
    public static KeysetFile of(Path path, Optional<String> kekUri) {
        return new KeysetFile(path, kekUri.map(KeyEncryptionKey::of));
    }

    public Path path() {
        return path;
    }

    /** @throws IllegalStateException naming the file, if it is missing, not a keyset, or the KMS does not decrypt it */
    public Keyset read() {
        return parse(text());
    }

    /** What the file contains, to see whether it has changed. */
    String text() {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot read the keyset " + path + ": set POSTBUS_KEYSET to the file that holds it", e);
        }
    }

    Keyset parse(String text) {
        boolean encrypted = text.contains("\"encryptedKeyset\"");
        if (encrypted && kek.isEmpty()) {
            throw new IllegalStateException(
                    "the keyset " + path + " is encrypted by a KMS: set POSTBUS_KEYSET_KEK_URI to its key");
        }
        if (!encrypted && kek.isPresent()) {
            throw new IllegalStateException("POSTBUS_KEYSET_KEK_URI is set, but the keyset " + path
                    + " is plain text: encrypt it with ./postbus keyset wrap");
        }
        try {
            AeadConfig.register();
            KeysetHandle handle = kek.isPresent()
                    ? TinkJsonProtoKeysetFormat.parseEncryptedKeyset(
                            text, kek.get().aead(), NO_ASSOCIATED_DATA)
                    : TinkJsonProtoKeysetFormat.parseKeyset(text, InsecureSecretKeyAccess.get());
            return new Keyset(handle);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    kek.map(key -> "the keyset " + path + " was not decrypted by " + key.uri() + ": " + e.getMessage())
                            .orElse("not a Tink keyset: " + path),
                    e);
        }
    }

    /** Writes a new keyset with one key. Fails if the file exists. A process that ends meanwhile leaves no incomplete file under this name. */
    public void create() throws IOException {
        if (Files.exists(path)) {
            throw new FileAlreadyExistsException(path.toString());
        }
        Path draft = path.resolveSibling(path.getFileName() + ".draft");
        Files.deleteIfExists(draft);
        write(draft, serialize(Keyset.generate()));
        Files.move(draft, path);
    }

    /**
     * Replaces the file: a reader sees the old or the new keyset, also after a power failure. The old one stays beside it, under the returned
     * name; backups of the database that are older need it.
     */
    public Path replace(Keyset keyset) throws IOException {
        return replace(serialize(keyset));
    }

    /**
     * Encrypts a file that is plain text; returns the name of the backup, which is still plain text.
     *
     * @throws IllegalStateException if no KMS key is set, or the file is encrypted already
     */
    public Path wrap() throws IOException {
        if (kek.isEmpty()) {
            throw new IllegalStateException("set POSTBUS_KEYSET_KEK_URI to the key that is to encrypt the keyset");
        }
        return replace(new KeysetFile(path, Optional.empty()).read());
    }

    private Path replace(String text) throws IOException {
        Path backup = path.resolveSibling(path.getFileName() + "." + BACKUP_TIME.format(Instant.now()));
        write(backup, Files.readString(path));
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        write(fresh, text);
        try {
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException(
                    "the file system cannot replace " + path + " atomically; the new keyset is in " + fresh, e);
        }
        return backup;
    }

    private static void write(Path file, String text) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, text, StandardOpenOption.WRITE, StandardOpenOption.DSYNC);
    }

    private String serialize(Keyset keyset) {
        try {
            return kek.isPresent()
                    ? TinkJsonProtoKeysetFormat.serializeEncryptedKeyset(
                            keyset.handle(), kek.get().aead(), NO_ASSOCIATED_DATA)
                    : TinkJsonProtoKeysetFormat.serializeKeyset(keyset.handle(), InsecureSecretKeyAccess.get());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the keyset was not encrypted by "
                            + kek.map(KeyEncryptionKey::uri).orElse("") + ": " + e.getMessage(),
                    e);
        }
    }
}
