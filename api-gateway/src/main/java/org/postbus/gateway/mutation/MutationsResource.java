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
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mutations", description = "The queue of mutations to be sent to the mail server")
public class MutationsResource {
    private static final List<String> STATES =
            List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt");
    private static final UUID FIRST = new UUID(0, 0);

    private final Caller caller;
    private final Sessions sessions;
    private final MutationQueue queue;

    MutationsResource(Caller caller, Sessions sessions, MutationQueue queue) {
        this.caller = caller;
        this.sessions = sessions;
        this.queue = queue;
    }

    @GET
    @Path("/accounts/{accountId}/mutations")
    @Operation(summary = "The mutations of an account, oldest first")
    public Uni<Page<Mutation, MutationId>> list(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        AccountId account = PathIds.account(accountId);
        int pageSize = Page.limit(limit);
        Optional<UUID> after = Page.after(cursor);
        if (!STATES.containsAll(states)) {
            throw Problem.badRequest("state must be one of " + String.join(", ", STATES));
        }
        return sessions.read(
                        caller.tenant(),
                        session -> AccountRow.require(session, account)
                                .chain(() -> session.createQuery("""
                                        from MutationRow
                                        where accountId = :account and mutationId > :after and state in :states
                                        order by mutationId""", MutationRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(FIRST))
                                        .setParameter("states", states.isEmpty() ? STATES : states)
                                        .setMaxResults(pageSize + 1)
                                        .getResultList()))
                .map(rows -> Page.of(rows, pageSize, MutationRow::mutation, row -> new MutationId(row.mutationId)));
    }

    @POST
    @Path("/accounts/{accountId}/mutations/{mutationId}/retry")
    @Operation(
            summary = "Retry a mutation that failed or is in doubt, or try a queued one now",
            description =
                    "If the account's queue is on hold because its mail server failed, the hold ends for all of its mutations.")
    @APIResponse(responseCode = "202", description = "It is queued, and its attempts count from zero")
    @APIResponse(responseCode = "409", description = "It is neither queued nor failed nor in doubt")
    public Uni<RestResponse<Void>> retry(
            @PathParam("accountId") String accountId, @PathParam("mutationId") String mutationId) {
        return queue.retry(caller.tenant(), PathIds.account(accountId), PathIds.mutation(mutationId))
                .map(queued -> RestResponse.accepted());
    }

    /** @param retried how many mutations */
    record Retried(int retried) {}

    /** @param discarded how many mutations */
    record Discarded(int discarded) {}

    @POST
    @Path("/accounts/{accountId}/mutations/retry")
    @Operation(
            summary = "Retry all mutations that failed, and try queued ones now",
            description =
                    "Those in doubt only if state names them: check first whether the mail server has applied them.")
    @APIResponse(responseCode = "202", description = "They are queued, and their attempts count from zero")
    public Uni<RestResponse<Retried>> retryAll(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states) {
        return queue.retryAll(
                        caller.tenant(),
                        PathIds.account(accountId),
                        chosen(states, Set.of("queued", "failed"), MutationQueue.RETRIABLE))
                .map(retried -> RestResponse.accepted(new Retried(retried)));
    }

    @DELETE
    @Path("/accounts/{accountId}/mutations")
    @Operation(
            summary = "Discard all mutations that failed or were rejected",
            description = "Those that are queued or in doubt only if state names them.")
    public Uni<Discarded> discardAll(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this state; may be given several times") @QueryParam("state")
                    List<String> states) {
        return queue.discardAll(
                        caller.tenant(),
                        PathIds.account(accountId),
                        chosen(states, Set.of("rejected", "failed"), MutationQueue.DISCARDABLE))
                .map(Discarded::new);
    }

    private static Set<String> chosen(List<String> states, Set<String> preset, Set<String> possible) {
        if (!possible.containsAll(states)) {
            throw Problem.badRequest("state must be one of " + String.join(", ", new TreeSet<>(possible)));
        }
        return states.isEmpty() ? preset : Set.copyOf(states);
    }

    @DELETE
    @Path("/accounts/{accountId}/mutations/{mutationId}")
    @Operation(summary = "Discard a mutation", description = "The next GET shows what the mail server reported.")
    @APIResponse(responseCode = "204", description = "It is discarded")
    @APIResponse(responseCode = "409", description = "It is being sent, or was sent, to the mail server")
    public Uni<Void> discard(@PathParam("accountId") String accountId, @PathParam("mutationId") String mutationId) {
        return queue.discard(caller.tenant(), PathIds.account(accountId), PathIds.mutation(mutationId));
    }
}
