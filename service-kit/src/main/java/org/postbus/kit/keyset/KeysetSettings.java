package org.postbus.kit.keyset;

import java.nio.file.Path;
import java.util.Optional;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.account.cipher.KeysetFile;
import org.postbus.kit.settings.Settings;

/**
 * Where the keyset of this process is.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_KEYSET}<td>the file with the Tink keyset
 *   <tr><td>{@code POSTBUS_KEYSET_KEK_URI}<td>the key of a KMS that encrypts the file; without it the file is plain text
 * </table>
 */
public record KeysetSettings(Path file, Optional<String> kekUri) {
    /** @throws IllegalArgumentException if no file is set */
    public static KeysetSettings of(Settings settings) {
        return new KeysetSettings(Path.of(settings.require("postbus.keyset")), settings.find("postbus.keyset.kek-uri"));
    }

    /**
     * Reads the keyset. Blocks; a KMS is asked once.
     *
     * @throws IllegalStateException saying what is wrong with the file or the KMS
     */
    public CredentialCipher open() {
        return CredentialCipher.from(KeysetFile.of(file, kekUri));
    }
}
