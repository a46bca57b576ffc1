package org.postbus.gateway.tenant;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.net.URI;
import java.util.Optional;
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

@Path("/v1/admin/tenants")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "administration", description = "For operators: tenants and their keys")
public class TenantsResource {
    private final Caller caller;
    private final Tenants tenants;
    private final TenantErasure erasure;

    TenantsResource(Caller caller, Tenants tenants, TenantErasure erasure) {
        this.caller = caller;
        this.tenants = tenants;
        this.erasure = erasure;
    }

    @GET
    @Operation(summary = "List the tenants")
    public Uni<Page<Tenant, TenantId>> list(
            @Parameter(description = "only the tenant with this name") @QueryParam("name") String name,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return tenants.list(Optional.ofNullable(name), Page.limit(limit), Page.after(cursor));
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Create a tenant", description = "It has no key yet.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = "{\"name\": \"acme\"}"))
    @APIResponse(responseCode = "201", description = "The tenant")
    @APIResponse(responseCode = "409", description = "A tenant has this name; detail says its id")
    public Uni<RestResponse<Tenant>> create(byte[] body) {
        AuthenticatedRequest by = caller.request();
        TenantRequest request = TenantRequest.create(RequestJson.object(body));
        return tenants.create(request.name().orElseThrow(), tenant -> by.entry(tenant, tenant.toString()))
                .map(tenant -> RestResponse.ResponseBuilder.<Tenant>created(
                                URI.create("/v1/admin/tenants/" + tenant.id()))
                        .entity(tenant)
                        .build());
    }

    @GET
    @Path("/{tenantId}")
    @Operation(summary = "One tenant")
    public Uni<Tenant> get(@PathParam("tenantId") String tenantId) {
        return tenants.find(PathIds.tenant(tenantId));
    }

    @PATCH
    @Path("/{tenantId}")
    @Consumes({RequestJson.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Change a tenant",
            description =
                    "Its name, or its status. A suspended tenant's requests are refused with 403 and the reason, its open streams end,"
                            + " its accounts are paused and nothing is sent. The status active ends that, and the accounts are as before.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = RequestJson.MERGE_PATCH,
                            example = "{\"status\": \"suspended\", \"reason\": \"unpaid since March\"}"))
    @APIResponse(responseCode = "409", description = "The tenant is being deleted")
    public Uni<Tenant> change(@PathParam("tenantId") String tenantId, byte[] body) {
        TenantId tenant = PathIds.tenant(tenantId);
        TenantRequest request = TenantRequest.change(RequestJson.object(body));
        return tenants.change(tenant, request, caller.request().entry(tenant, tenant.toString()));
    }

    @DELETE
    @Path("/{tenantId}")
    @Operation(
            summary = "Delete a tenant",
            description =
                    "Erases everything that Postbus stores for it. The answer comes at once, with the status deleting; when everything is"
                            + " erased, the tenant is not found any more. Subscribers get account.deleted for each account. Nothing changes on"
                            + " the mail servers. Entries of the audit log stay until retention deletes them.")
    @APIResponse(responseCode = "202", description = "The erasure has begun")
    public Uni<RestResponse<Tenant>> delete(@PathParam("tenantId") String tenantId) {
        TenantId tenant = PathIds.tenant(tenantId);
        return tenants.delete(tenant, caller.request().entry(tenant, tenant.toString()))
                .invoke(erasure::soon)
                .map(deleted -> RestResponse.ResponseBuilder.<Tenant>create(202)
                        .entity(deleted)
                        .build());
    }
}
