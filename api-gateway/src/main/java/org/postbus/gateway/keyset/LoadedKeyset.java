package org.postbus.gateway.keyset;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.postbus.account.cipher.KeyId;
import org.postbus.account.cipher.Keyset;

/** The keyset that the gateway which answers uses. */
@Schema(description = "The keys that encrypt credentials; no key itself")
public record LoadedKeyset(
        @Schema(description = "Oldest first; then keys that encrypt credentials and that the keyset does not hold")
        List<Key> keys) {

    @Schema(name = "KeysetKey")
    public record Key(
            @Schema(description = "As in the keyset file") long id,
            @Schema(description = "Whether it encrypts") boolean primary,

            @Schema(description = "Whether the keyset holds it; if not, its credentials cannot be decrypted")
            boolean held,

            @Schema(description = "Credentials of all tenants that it encrypted")
            long credentials) {}

    static LoadedKeyset of(Keyset keyset, Map<KeyId, Long> credentials) {
        Set<KeyId> held = keyset.keys().stream().map(Keyset.Key::id).collect(Collectors.toSet());
        return new LoadedKeyset(Stream.concat(
                        keyset.keys().stream()
                                .map(key -> new Key(
                                        key.id().unsigned(),
                                        key.primary(),
                                        true,
                                        credentials.getOrDefault(key.id(), 0L))),
                        credentials.entrySet().stream()
                                .filter(entry -> !held.contains(entry.getKey()))
                                .map(entry -> new Key(entry.getKey().unsigned(), false, false, entry.getValue())))
                .toList());
    }
}
