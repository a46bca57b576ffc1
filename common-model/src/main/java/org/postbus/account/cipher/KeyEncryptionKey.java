package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KmsClient;
import java.security.GeneralSecurityException;
import java.util.ServiceLoader;

/**
 * A key in a key management system (KMS) that encrypts the keyset file. The KMS is asked when the file is read or written, never for a
 * credential.
 *
 * @param uri such as {@code aws-kms://arn:aws:kms:eu-west-1:111122223333:key/…}
 */
record KeyEncryptionKey(String uri, Aead aead) {
    /**
     * Uses the first of Tink's KMS clients on the class path that knows the URI, with the default credentials of that KMS.
     *
     * @throws IllegalStateException if there is no such client, or it has no credentials
     */
    static KeyEncryptionKey of(String uri) {
        try {
            for (KmsClient client : ServiceLoader.load(KmsClient.class, KeyEncryptionKey.class.getClassLoader())) {
                if (client.doesSupport(uri)) {
                    return new KeyEncryptionKey(
                            uri, client.withDefaultCredentials().getAead(uri));
                }
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("POSTBUS_KEYSET_KEK_URI: " + e.getMessage(), e);
        }
        throw new IllegalStateException("POSTBUS_KEYSET_KEK_URI: no KMS client on the class path knows " + uri);
    }
}
