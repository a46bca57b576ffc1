package org.postbus.account.cipher;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KmsClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A KMS with one key, {@code fake-kms://key}, and a record of what it was asked. Found like a real one, by {@code META-INF/services}. The state is
 * static, because the service loader makes a new client each time.
 */
public final class FakeKms implements KmsClient {
    static final String URI = "fake-kms://key";
    static final List<String> REQUESTS = Collections.synchronizedList(new ArrayList<>());
    static volatile boolean available = true;

    private static final int IV_BYTES = 12;
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final SecretKey KEY = new SecretKeySpec(random(32), "AES");

    @Override
    public boolean doesSupport(String uri) {
        return uri.startsWith("fake-kms://");
    }

    @Override
    public KmsClient withCredentials(String path) {
        throw new UnsupportedOperationException("the default credentials are used");
    }

    @Override
    public KmsClient withDefaultCredentials() {
        return this;
    }

    @Override
    public Aead getAead(String uri) throws GeneralSecurityException {
        if (!uri.equals(URI)) {
            throw new GeneralSecurityException("no such key: " + uri);
        }
        return new Aead() {
            @Override
            public byte[] encrypt(byte[] plaintext, byte[] associatedData) throws GeneralSecurityException {
                ask("encrypt");
                byte[] iv = random(IV_BYTES);
                byte[] encrypted =
                        cipher(Cipher.ENCRYPT_MODE, iv, associatedData).doFinal(plaintext);
                byte[] ciphertext = Arrays.copyOf(iv, IV_BYTES + encrypted.length);
                System.arraycopy(encrypted, 0, ciphertext, IV_BYTES, encrypted.length);
                return ciphertext;
            }

            @Override
            public byte[] decrypt(byte[] ciphertext, byte[] associatedData) throws GeneralSecurityException {
                ask("decrypt");
                return cipher(Cipher.DECRYPT_MODE, Arrays.copyOf(ciphertext, IV_BYTES), associatedData)
                        .doFinal(ciphertext, IV_BYTES, ciphertext.length - IV_BYTES);
            }
        };
    }

    /** Network failures are unchecked, as in the client for AWS. */
    private static void ask(String what) {
        REQUESTS.add(what);
        if (!available) {
            throw new UncheckedIOException(new IOException("the KMS is away"));
        }
    }

    private static Cipher cipher(int mode, byte[] iv, byte[] associatedData) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, KEY, new GCMParameterSpec(128, iv));
        cipher.updateAAD(associatedData);
        return cipher;
    }

    private static byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        RANDOM.nextBytes(random);
        return random;
    }
}
