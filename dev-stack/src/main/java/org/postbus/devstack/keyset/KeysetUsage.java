package org.postbus.devstack.keyset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.Keyset;

/**
 * What a gateway says about the keys.
 *
 * @param primary the key that it encrypts with
 * @param credentials how many credentials each key encrypts
 */
record KeysetUsage(KeyId primary, Map<KeyId, Long> credentials) {
    /** @param answer of {@code GET /v1/admin/keyset} */
    static KeysetUsage of(JsonNode answer) {
        Map<KeyId, Long> credentials = new HashMap<>();
        KeyId primary = null;
        for (JsonNode key : answer.path("keys")) {
            KeyId id = KeyId.parse(key.path("id").asText());
            credentials.put(id, key.path("credentials").asLong());
            if (key.path("primary").asBoolean()) {
                primary = id;
            }
        }
        if (primary == null) {
            throw new IllegalStateException("the gateway names no primary key");
        }
        return new KeysetUsage(primary, credentials);
    }

    /** Keys that are older than the primary one and encrypt nothing. */
    Set<KeyId> unused(Keyset keyset) {
        return keyset.old().stream().filter(key -> count(key) == 0).collect(Collectors.toSet());
    }

    long count(KeyId key) {
        return credentials.getOrDefault(key, 0L);
    }

    /** Credentials that cannot be decrypted with this keyset. */
    long lost(Keyset keyset) {
        Collection<KeyId> held = keyset.keys().stream().map(Keyset.Key::id).collect(Collectors.toSet());
        return credentials.entrySet().stream()
                .filter(entry -> !held.contains(entry.getKey()))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }
}
