package org.postbus.gateway.quota;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.stream.Stream;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;

@Path("/v1/admin/tenants/{tenantId}/quotas")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "administration")
public class TenantQuotasResource {
    private final TenantQuotas quotas;

    TenantQuotasResource(TenantQuotas quotas) {
        this.quotas = quotas;
    }

    record Quotas(List<OfQuota> list) {
        static Quotas of(Limits limits) {
            return new Quotas(Stream.of(Quota.values())
                    .map(quota -> new OfQuota(
                            quota.wireName(), limits.of(quota), limits.own().containsKey(quota)))
                    .toList());
        }
    }

    /** @param own whether the limit was set for this tenant, so the default does not count */
    record OfQuota(String quota, long limit, boolean own) {}

    @GET
    @Operation(summary = "The limits of a tenant")
    @APIResponse(responseCode = "200", description = "All quotas")
    @APIResponse(responseCode = "404", description = "There is no such tenant")
    public Uni<Quotas> get(@PathParam("tenantId") String tenantId) {
        return quotas.stored(PathIds.tenant(tenantId)).map(Quotas::of);
    }

    @PATCH
    @Consumes({RequestJson.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Set limits of a tenant",
            description =
                    "A JSON merge patch (RFC 7396) of limits by quota; null sets the default again. Each gateway knows the change after 10"
                            + " seconds. What the tenant has already stays.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = RequestJson.MERGE_PATCH,
                            example = "{\"accounts\": 50, \"requestsPerSecond\": null}"))
    @APIResponse(responseCode = "200", description = "All quotas")
    @APIResponse(responseCode = "404", description = "There is no such tenant")
    @APIResponse(responseCode = "422", description = "There is no such quota, or a limit is no whole number")
    public Uni<Quotas> change(@PathParam("tenantId") String tenantId, byte[] body) {
        return quotas.set(
                        PathIds.tenant(tenantId),
                        QuotaPatch.of(RequestJson.object(body)).changes())
                .map(Quotas::of);
    }
}
