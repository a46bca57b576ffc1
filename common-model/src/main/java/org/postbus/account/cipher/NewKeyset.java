package org.postbus.account.cipher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Creates the keyset of a new installation: {@code java -cp 'lib/main/*' org.postbus.account.cipher.NewKeyset FILE}, with the libraries of
 * any service. An existing file is left unchanged, so it may run at every deployment. With {@code POSTBUS_KEYSET_KEK_URI}, as the services have it, the
 * file is encrypted with that key of a KMS.
 */
public final class NewKeyset {
    private NewKeyset() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: NewKeyset FILE");
            System.exit(2);
        }
        create(Path.of(arguments[0]), Optional.ofNullable(System.getenv("POSTBUS_KEYSET_KEK_URI")));
    }

    /** @param kekUri blank counts as none */
    static void create(Path file, Optional<String> kekUri) throws IOException {
        KeysetFile keyset = KeysetFile.of(file, kekUri.filter(uri -> !uri.isBlank()));
        if (!Files.exists(file)) {
            keyset.create();
        }
    }
}
