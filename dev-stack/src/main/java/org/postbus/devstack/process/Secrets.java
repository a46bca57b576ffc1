package org.postbus.devstack.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import org.postbus.account.Secret;

/** Makes passwords and keeps them in files that only their owner can read. */
public final class Secrets {
    /** 256 bits. */
    private static final int BYTES = 32;

    private final SecureRandom random = new SecureRandom();

    /** Letters, digits, {@code -} and {@code _} only. */
    public Secret fresh() {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return new Secret(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
    }

    /** What the file holds; if there is none yet, a fresh secret that it holds from now on. */
    public Secret keptIn(Path file) throws IOException {
        if (Files.exists(file)) {
            return new Secret(Files.readString(file).strip());
        }
        Secret secret = fresh();
        writePrivately(file, secret.reveal());
        return secret;
    }

    /** Writes the file anew, readable by its owner only from its first byte, and in one step: no reader sees half of it. */
    public static void writePrivately(Path file, String text) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        Files.createFile(draft, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(draft, text);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
