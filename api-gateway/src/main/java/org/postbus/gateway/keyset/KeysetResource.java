package org.postbus.gateway.keyset;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.postbus.account.cipher.CredentialCipher;

@Path("/v1/admin/keyset")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "administration", description = "For operators: tenants and their keys")
public class KeysetResource {
    private final CredentialCipher cipher;
    private final CredentialKeys credentials;

    KeysetResource(CredentialCipher cipher, CredentialKeys credentials) {
        this.cipher = cipher;
        this.credentials = credentials;
    }

    @GET
    @Operation(
            summary = "The keys that encrypt credentials",
            description =
                    "How many credentials each key of the keyset encrypts. After a rotation the gateways encrypt the credentials of older keys again;"
                            + " a key that encrypts none can be removed from the keyset.")
    public Uni<LoadedKeyset> get() {
        return Uni.createFrom()
                .completionStage(() -> credentials.count().toCompletionStage())
                .map(counts -> LoadedKeyset.of(cipher.keyset(), counts));
    }
}
