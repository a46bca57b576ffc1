package org.postbus.gateway.key;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.net.URI;
import java.time.Instant;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.authentication.AuthenticatedRequest;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.TenantId;

@Path("/v1/keys")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "keys", description = "The API keys of the tenant; with the scope admin")
public class KeysResource {
    static final String EXAMPLE = """
            {"name": "reporting", "scopes": ["read"], "allowedAddresses": ["192.0.2.0/24"], "expiresAt": "2030-01-31T12:00:00Z"}""";
    static final String ROTATION_EXAMPLE = "{\"graceSeconds\": 3600}";

    private final Caller caller;
    private final Keys keys;

    KeysResource(Caller caller, Keys keys) {
        this.caller = caller;
        this.keys = keys;
    }

    @GET
    @Operation(
            summary = "List the keys",
            description =
                    "In the order of their creation, with those that expired or were revoked, never with a secret.")
    public Uni<Page<ApiKey, UUID>> list(
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return keys.list(caller.tenant(), Page.limit(limit), Page.after(cursor));
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Make a key",
            description =
                    "The answer holds the secret, which is shown only once. The new key can not have scopes that the key of the"
                            + " request lacks, nor be used from addresses from which that one can not.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = EXAMPLE))
    @APIResponse(responseCode = "201", description = "The key and its secret")
    @APIResponse(responseCode = "403", description = "The new key would allow more than the key of the request")
    @APIResponse(responseCode = "409", description = "The tenant has too many keys")
    public Uni<RestResponse<CreatedKey>> create(byte[] body) {
        TenantId tenant = caller.tenant();
        KeyRequest request = KeyRequest.read(RequestJson.object(body), Instant.now());
        AuthenticatedRequest by = caller.request();
        request.requireWithin(by.identity());
        return keys.create(tenant, request, by.identity().actor().text(), id -> by.entry(id.toString()))
                .map(key -> created("/v1/keys/", key));
    }

    @POST
    @Path("/{keyId}/rotate")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Replace a key",
            description =
                    "Makes a new key that allows the same. The old one can be used for graceSeconds more, by default for a day, at most"
                            + " for 30 days.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = ROTATION_EXAMPLE))
    @APIResponse(responseCode = "201", description = "The new key and its secret")
    public Uni<RestResponse<CreatedKey>> rotate(@PathParam("keyId") String keyId, byte[] body) {
        TenantId tenant = caller.tenant();
        UUID id = PathIds.key(keyId);
        AuthenticatedRequest by = caller.request();
        return keys.rotate(
                        tenant,
                        id,
                        KeyRequest.grace(RequestJson.object(body)),
                        by.identity().actor().text(),
                        request -> request.requireWithin(by.identity()),
                        old -> by.entry(old.toString()))
                .map(key -> created("/v1/keys/", key));
    }

    @DELETE
    @Path("/{keyId}")
    @Operation(
            summary = "Revoke a key",
            description = "Within 5 seconds requests with it are refused, and its event streams and downloads end.")
    @APIResponse(responseCode = "204", description = "It is revoked")
    public Uni<Void> revoke(@PathParam("keyId") String keyId) {
        UUID id = PathIds.key(keyId);
        return keys.revoke(caller.tenant(), id, caller.request().entry(id.toString()));
    }

    static RestResponse<CreatedKey> created(String path, CreatedKey key) {
        return RestResponse.ResponseBuilder.<CreatedKey>created(
                        URI.create(path + key.key().id()))
                .entity(key)
                .build();
    }
}
