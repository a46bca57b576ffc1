package org.postbus.gateway.config;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.postbus.account.cipher.CredentialCipher;

/** Reads the keyset once, at the first use. Fails if the file is missing or holds no keyset. */
final class Keyset {
    @Produces
    @Singleton
    CredentialCipher cipher(GatewayConfig config) {
        return CredentialCipher.fromKeysetFile(config.keyset());
    }
}
