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
import org.postbus.gateway.database.Database;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.model.AccountId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "changes", description = "What has changed, in order, without a gap")
public class ChangesResource {
    private final Caller caller;
    private final Database database;

    ChangesResource(Caller caller, Database database) {
        this.caller = caller;
        this.database = database;
    }

    @GET
    @Path("/accounts/{accountId}/changes")
    @Operation(
            summary = "The changes of an account after a seq",
            description = "Each as it stands on the topic postbus.changes. Pass next, or the seq of the last one that"
                    + " you have, as since.")
    @APIResponse(
            responseCode = "410",
            description =
                    "The next change is so old that it is not kept any longer. Read the mailboxes and emails, then go on with"
                            + " the seq that detail names")
    public Uni<Page<RawValue, Long>> changes(
            @PathParam("accountId") String accountId,
            @Parameter(description = "the seq after which to begin; 0 for the beginning")
                    @QueryParam("since")
                    @DefaultValue("0")
                    long since,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit) {
        AccountId account = PathIds.account(accountId);
        int most = Page.limit(limit);
        if (since < 0) {
            throw Problem.badRequest("since must not be negative");
        }
        return database.transaction(
                        caller.tenant(),
                        connection -> ChangeLog.lastSeq(connection, account).compose(last -> {
                            if (last.isEmpty()) {
                                return Future.failedFuture(Problem.notFound("account"));
                            }
                            return ChangeLog.after(connection, account, since, most + 1)
                                    .compose(changes -> last.get() > since && ChangeLog.isCutOff(since, changes)
                                            ? Future.failedFuture(noLongerKept(since, last.get()))
                                            : Future.succeededFuture(changes));
                        }))
                .map(changes -> Page.of(
                        changes,
                        most,
                        change -> new RawValue(new String(change.data(), StandardCharsets.UTF_8)),
                        LoggedChange::seq));
    }

    private static ProblemException noLongerKept(long since, long last) {
        return Problem.gone("the changes that follow " + since
                + " are not kept any longer: read the mailboxes and emails, then go on" + " with since=" + last);
    }
}
