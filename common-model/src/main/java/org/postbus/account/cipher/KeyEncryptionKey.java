package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KmsClient;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/**
 * A key in a key management system (KMS) that encrypts the keyset file. The KMS is asked when the file is read or written, never for a
 * credential.
 *
 * @param uri such as {@code aws-kms://arn:aws:kms:eu-west-1:111122223333:key/…}
 */
record KeyEncryptionKey(String uri, Aead aead) {
    /** Tink's own clients. Their jars do not list them in {@code META-INF/services}. */
    private static final List<String> TINK_CLIENTS = List.of(
            "com.google.crypto.tink.integration.awskms.AwsKmsClient",
            "com.google.crypto.tink.integration.gcpkms.GcpKmsClient");

    /**
     * Uses the first KMS client on the class path that knows the URI, with the default credentials of that KMS.
     *
     * @throws IllegalStateException if there is no such client, or it has no credentials
     */
    static KeyEncryptionKey of(String uri) {
        try {
            KmsClient client = clients()
                    .filter(candidate -> candidate.doesSupport(uri))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException(
                            "POSTBUS_KEYSET_KEK_URI: no KMS client on the class path knows " + uri));
            return new KeyEncryptionKey(
                    uri, new Checked(client.withDefaultCredentials().getAead(uri)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("POSTBUS_KEYSET_KEK_URI: " + e.getMessage(), e);
        }
    }

    /** Clients report a network failure as an unchecked exception of their own. */
    private record Checked(Aead kms) implements Aead {
        @Override
        public byte[] encrypt(byte[] plaintext, byte[] associatedData) throws GeneralSecurityException {
            try {
                return kms.encrypt(plaintext, associatedData);
            } catch (RuntimeException e) {
                throw new GeneralSecurityException(e.getMessage(), e);
            }
        }

        @Override
        public byte[] decrypt(byte[] ciphertext, byte[] associatedData) throws GeneralSecurityException {
            try {
                return kms.decrypt(ciphertext, associatedData);
            } catch (RuntimeException e) {
                throw new GeneralSecurityException(e.getMessage(), e);
            }
        }
    }

    private static Stream<KmsClient> clients() {
        ClassLoader loader = KeyEncryptionKey.class.getClassLoader();
        return Stream.concat(
                ServiceLoader.load(KmsClient.class, loader).stream().map(ServiceLoader.Provider::get),
                TINK_CLIENTS.stream().map(name -> client(name, loader)).flatMap(Optional::stream));
    }

    private static Optional<KmsClient> client(String name, ClassLoader loader) {
        try {
            return Optional.of((KmsClient)
                    Class.forName(name, true, loader).getDeclaredConstructor().newInstance());
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the KMS client " + name + " cannot be used", e);
        }
    }
}
