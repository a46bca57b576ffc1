package org.postbus.devstack.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import org.postbus.account.Secret;

/** Generates passwords and stores them in files that only their owner can read. */
public final class Secrets {
    /** 256 bits. */
    private static final int BYTES = 32;

    private final SecureRandom random = new SecureRandom();

    /** A random secret of 256 bits, in letters, digits, {@code -} and {@code _}. */
    public Secret fresh() {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return new Secret(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
    }

    /** The secret in the file; if the file does not exist, a fresh one that is written to it. */
    public Secret keptIn(Path file) throws IOException {
        if (Files.exists(file)) {
            return new Secret(Files.readString(file).strip());
        }
        Secret secret = fresh();
        writePrivately(file, secret.reveal());
        return secret;
    }

    /** Creates an empty file that only its owner can read, unless it exists. */
    public static void createPrivate(Path file) throws IOException {
        if (!Files.exists(file)) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
    }

    /** Replaces the file atomically; at no time can anyone but its owner read it. */
    public static void writePrivately(Path file, String text) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        createPrivate(draft);
        Files.writeString(draft, text);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
