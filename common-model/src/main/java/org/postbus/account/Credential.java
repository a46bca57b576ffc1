package org.postbus.account;

import java.util.Objects;

/** How Postbus authenticates at the account's servers: the row of the table {@code credential}. */
public sealed interface Credential {

    Secret secret();

    /** The column {@code credential.kind}. */
    String kind();

    /** @throws IllegalArgumentException if there is no such kind */
    static Credential of(String kind, Secret secret) {
        return switch (kind) {
            case Password.KIND -> new Password(secret);
            case AccessToken.KIND -> new AccessToken(secret);
            default -> throw new IllegalArgumentException("no such kind of credential: " + kind);
        };
    }

    record Password(Secret secret) implements Credential {
        public static final String KIND = "password";

        public Password {
            Objects.requireNonNull(secret);
        }

        @Override
        public String kind() {
            return KIND;
        }
    }

    /** An OAuth 2.0 access token (RFC 6750). It expires soon; the API's client replaces it in time. */
    record AccessToken(Secret secret) implements Credential {
        public static final String KIND = "access-token";

        public AccessToken {
            Objects.requireNonNull(secret);
        }

        @Override
        public String kind() {
            return KIND;
        }
    }
}
