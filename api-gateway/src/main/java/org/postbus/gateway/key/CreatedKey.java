package org.postbus.gateway.key;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.Objects;
import org.postbus.gateway.authentication.ApiKeys;

/** A new key with its secret, which is shown once and stored nowhere. */
public record CreatedKey(ApiKey key, String secret) {
    private static final SecureRandom RANDOM = new SecureRandom();
    /** 256 bits: too many to guess, so the stored SHA-256 needs no salt. */
    private static final int BYTES = 32;

    public CreatedKey {
        Objects.requireNonNull(key);
        Objects.requireNonNull(secret);
    }

    static String freshSecret() {
        byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return ApiKeys.PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    @Override
    public String toString() {
        return "CreatedKey[" + key.id() + ", ***]";
    }
}
