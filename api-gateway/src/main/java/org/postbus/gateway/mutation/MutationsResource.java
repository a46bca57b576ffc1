package org.postbus.gateway.mutation;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.database.Database;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mutations", description = "The queue of wishes on their way to the mail server")
public class MutationsResource {
    private static final List<String> STATES =
            List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt");
    private static final UUID FIRST = new UUID(0, 0);

    private final Caller caller;
    private final Database database;
    private final EmailMutations wishes;

    MutationsResource(Caller caller, Database database, EmailMutations wishes) {
        this.caller = caller;
        this.database = database;
        this.wishes = wishes;
    }

    @GET
    @Path("/accounts/{accountId}/mutations")
    @Operation(summary = "The wishes of an account, oldest first")
    public Uni<Page<Mutation, MutationId>> list(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "next of the page before") @QueryParam("cursor") String cursor) {
        AccountId account = PathIds.account(accountId);
        int most = Page.limit(limit);
        Optional<UUID> after = Page.after(cursor);
        if (!STATES.containsAll(states)) {
            throw Problem.badRequest("state must be one of " + String.join(", ", STATES));
        }
        return database.read(
                        caller.tenant(),
                        session -> AccountRow.require(session, account)
                                .chain(() -> session.createQuery("""
                                        from MutationRow
                                        where accountId = :account and mutationId > :after and state in :states
                                        order by mutationId""", MutationRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(FIRST))
                                        .setParameter("states", states.isEmpty() ? STATES : states)
                                        .setMaxResults(most + 1)
                                        .getResultList()))
                .map(rows -> Page.of(rows, most, MutationRow::mutation, row -> new MutationId(row.mutationId)));
    }

    @POST
    @Path("/accounts/{accountId}/mutations/{mutationId}/retry")
    @Operation(
            summary = "Try a wish again that failed or whose outcome is in doubt, or now rather than at its next try",
            description = "If the account's mail server is left alone for a while, that is over for all of its wishes.")
    @APIResponse(responseCode = "202", description = "It is queued, with no tries used up")
    @APIResponse(responseCode = "409", description = "It is neither queued nor failed nor in doubt")
    public Uni<RestResponse<Void>> retry(
            @PathParam("accountId") String accountId, @PathParam("mutationId") String mutationId) {
        return wishes.retry(caller.tenant(), PathIds.account(accountId), PathIds.mutation(mutationId))
                .map(queued -> RestResponse.accepted());
    }

    /** How many wishes a call was about. */
    record Retried(int retried) {}

    record Discarded(int discarded) {}

    @POST
    @Path("/accounts/{accountId}/mutations/retry")
    @Operation(
            summary = "Try all wishes again that failed, and those that wait for their next try",
            description = "Those in doubt only if state says so: look first whether they were done.")
    @APIResponse(responseCode = "202", description = "They are queued, with no tries used up")
    public Uni<RestResponse<Retried>> retryAll(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states) {
        return wishes.retryAll(
                        caller.tenant(),
                        PathIds.account(accountId),
                        chosen(states, Set.of("queued", "failed"), EmailMutations.RETRIABLE))
                .map(retried -> RestResponse.accepted(new Retried(retried)));
    }

    @DELETE
    @Path("/accounts/{accountId}/mutations")
    @Operation(
            summary = "Discard all wishes that failed or were rejected",
            description = "Those that are queued or in doubt only if state says so.")
    public Uni<Discarded> discardAll(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states) {
        return wishes.discardAll(
                        caller.tenant(),
                        PathIds.account(accountId),
                        chosen(states, Set.of("rejected", "failed"), EmailMutations.DISCARDABLE))
                .map(Discarded::new);
    }

    private static Set<String> chosen(List<String> states, Set<String> usual, Set<String> possible) {
        if (!possible.containsAll(states)) {
            throw Problem.badRequest("state must be one of " + String.join(", ", new TreeSet<>(possible)));
        }
        return states.isEmpty() ? usual : Set.copyOf(states);
    }

    @DELETE
    @Path("/accounts/{accountId}/mutations/{mutationId}")
    @Operation(summary = "Discard a wish", description = "The server's word is shown again at once.")
    @APIResponse(responseCode = "204", description = "It is gone")
    @APIResponse(responseCode = "409", description = "The mail server is being told or has been told")
    public Uni<Void> discard(@PathParam("accountId") String accountId, @PathParam("mutationId") String mutationId) {
        return wishes.discard(caller.tenant(), PathIds.account(accountId), PathIds.mutation(mutationId));
    }
}
