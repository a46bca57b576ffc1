package org.postbus.account.cipher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Creates the keyset of a new installation: {@code java -cp 'lib/main/*' org.postbus.account.cipher.NewKeyset FILE}, with the libraries of
 * any service. An existing file is left unchanged, so it may run at every deployment.
 */
public final class NewKeyset {
    private NewKeyset() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: NewKeyset FILE");
            System.exit(2);
        }
        Path file = Path.of(arguments[0]);
        if (!Files.exists(file)) {
            CredentialCipher.createKeysetFile(file);
        }
    }
}
