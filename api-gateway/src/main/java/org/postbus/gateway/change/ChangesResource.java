package org.postbus.gateway.change;

import com.fasterxml.jackson.databind.util.RawValue;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Future;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.nio.charset.StandardCharsets;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "changes", description = "Changes in order and without a gap")
public class ChangesResource {
    private final Caller caller;
    private final TenantTransactions transactions;

    ChangesResource(Caller caller, TenantTransactions transactions) {
        this.caller = caller;
        this.transactions = transactions;
    }

    @GET
    @Path("/accounts/{accountId}/changes")
    @Operation(
            summary = "The changes of an account after a seq",
            description =
                    "Each as it is published to the topic postbus.changes. Pass next, or the seq of the last change that"
                            + " you have, as since.")
    @APIResponse(
            responseCode = "410",
            description =
                    "The changes after since were deleted by retention. Read the mailboxes and emails, then continue with"
                            + " the seq that detail names")
    public Uni<Page<RawValue, Long>> changes(
            @PathParam("accountId") String accountId,
            @Parameter(description = "the seq of the last change that you have; 0 for none")
                    @QueryParam("since")
                    @DefaultValue("0")
                    long since,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit) {
        AccountId account = PathIds.account(accountId);
        int pageSize = Page.limit(limit);
        if (since < 0) {
            throw Problem.badRequest("since must not be negative");
        }
        return transactions
                .uni(
                        caller.tenant(),
                        connection -> ChangeLog.lastSeq(connection, account).compose(last -> {
                            if (last.isEmpty()) {
                                return Future.failedFuture(Problem.notFound("account"));
                            }
                            return ChangeLog.after(connection, account, since, pageSize + 1)
                                    .compose(changes -> last.get() > since && ChangeLog.isCutOff(since, changes)
                                            ? Future.failedFuture(noLongerKept(since, last.get()))
                                            : Future.succeededFuture(changes));
                        }))
                .map(changes -> Page.of(
                        changes,
                        pageSize,
                        change -> new RawValue(new String(change.data(), StandardCharsets.UTF_8)),
                        LoggedChange::seq));
    }

    private static ProblemException noLongerKept(long since, long last) {
        return Problem.gone("the changes after " + since
                + " were deleted by retention: read the mailboxes and emails, then continue with since=" + last);
    }
}
