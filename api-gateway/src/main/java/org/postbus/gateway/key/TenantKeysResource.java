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

@Path("/v1/admin/tenants/{tenantId}/keys")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "administration", description = "For operators: tenants and their keys")
public class TenantKeysResource {
    private final Caller caller;
    private final Keys keys;

    TenantKeysResource(Caller caller, Keys keys) {
        this.caller = caller;
        this.keys = keys;
    }

    @GET
    @Operation(
            summary = "List the keys of a tenant",
            description = "In the order of their creation, never with a secret.")
    public Uni<Page<ApiKey, UUID>> list(
            @PathParam("tenantId") String tenantId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return keys.list(PathIds.tenant(tenantId), Page.limit(limit), Page.after(cursor));
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Make a key for a tenant",
            description = "The answer holds the secret, which is shown only once.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = KeysResource.EXAMPLE))
    @APIResponse(responseCode = "201", description = "The key and its secret")
    @APIResponse(responseCode = "409", description = "The tenant has too many keys")
    public Uni<RestResponse<CreatedKey>> create(@PathParam("tenantId") String tenantId, byte[] body) {
        TenantId tenant = PathIds.tenant(tenantId);
        AuthenticatedRequest by = caller.request();
        KeyRequest request = KeyRequest.read(RequestJson.object(body), Instant.now());
        return keys.create(tenant, request, by.identity().actor().text(), id -> by.entry(tenant, id.toString()))
                .map(key -> KeysResource.created(path(tenant), key));
    }

    @POST
    @Path("/{keyId}/rotate")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Replace a key of a tenant",
            description =
                    "Makes a new key that allows the same. The old one can be used for graceSeconds more, by default for a day, at most"
                            + " for 30 days.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = KeysResource.ROTATION_EXAMPLE))
    @APIResponse(responseCode = "201", description = "The new key and its secret")
    public Uni<RestResponse<CreatedKey>> rotate(
            @PathParam("tenantId") String tenantId, @PathParam("keyId") String keyId, byte[] body) {
        TenantId tenant = PathIds.tenant(tenantId);
        AuthenticatedRequest by = caller.request();
        return keys.rotate(
                        tenant,
                        PathIds.key(keyId),
                        KeyRequest.grace(RequestJson.object(body)),
                        by.identity().actor().text(),
                        request -> {},
                        old -> by.entry(tenant, old.toString()))
                .map(key -> KeysResource.created(path(tenant), key));
    }

    @DELETE
    @Path("/{keyId}")
    @Operation(
            summary = "Revoke a key of a tenant",
            description = "Within 5 seconds requests with it are refused, and its event streams and downloads end.")
    @APIResponse(responseCode = "204", description = "It is revoked")
    public Uni<Void> revoke(@PathParam("tenantId") String tenantId, @PathParam("keyId") String keyId) {
        TenantId tenant = PathIds.tenant(tenantId);
        UUID id = PathIds.key(keyId);
        return keys.revoke(tenant, id, caller.request().entry(tenant, id.toString()));
    }

    private static String path(TenantId tenant) {
        return "/v1/admin/tenants/" + tenant + "/keys/";
    }
}
