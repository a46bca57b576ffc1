package org.postbus.gateway.audit.read;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "audit", description = "Who did what, from where, with which result")
public class AuditResource {
    private static final UUID NEWEST = new UUID(-1, -1);

    private final Caller caller;
    private final TenantTransactions transactions;

    AuditResource(Caller caller, TenantTransactions transactions) {
        this.caller = caller;
        this.transactions = transactions;
    }

    @GET
    @Path("/audit")
    @Operation(
            summary = "The audit log of the tenant, newest first",
            description =
                    "Changes of accounts, credentials and keys, requested changes of mail, submissions, downloads and refused requests; with"
                            + " the scope admin.")
    public Uni<Page<LoggedEntry, UUID>> own(
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        int pageSize = Page.limit(limit);
        UUID before = Page.after(cursor).orElse(NEWEST);
        return transactions
                .uni(
                        caller.tenant(),
                        connection -> connection
                                .preparedQuery(
                                        "select * from audit_log where tenant_id = current_tenant() and entry_id < $1"
                                                + " order by entry_id desc limit $2")
                                .execute(Tuple.of(before, pageSize + 1)))
                .map(rows -> page(rows, pageSize));
    }

    @GET
    @Path("/admin/audit")
    @Operation(
            summary = "The audit log of all tenants and of operators, newest first",
            description = "Also has the logins that failed, one entry for an address and minute.")
    public Uni<Page<LoggedEntry, UUID>> all(
            @Parameter(description = "only entries of this tenant") @QueryParam("tenantId") String tenantId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        int pageSize = Page.limit(limit);
        UUID before = Page.after(cursor).orElse(NEWEST);
        UUID wanted = Optional.ofNullable(tenantId)
                .map(PathIds::tenant)
                .map(TenantId::value)
                .orElse(null);
        Future<RowSet<Row>> answer = transactions.futureWithoutTenant(connection -> connection
                .preparedQuery("select * from audit_of_all($1, $2, $3)")
                .execute(Tuple.of(before, wanted, pageSize + 1)));
        return Uni.createFrom().completionStage(answer::toCompletionStage).map(rows -> page(rows, pageSize));
    }

    private static Page<LoggedEntry, UUID> page(RowSet<Row> rows, int pageSize) {
        return Page.of(
                StreamSupport.stream(rows.spliterator(), false)
                        .map(LoggedEntry::of)
                        .toList(),
                pageSize,
                entry -> entry,
                LoggedEntry::id);
    }
}
