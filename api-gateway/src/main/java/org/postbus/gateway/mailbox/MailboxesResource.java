package org.postbus.gateway.mailbox;

import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.AccountId;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mail")
public class MailboxesResource {
    private final Caller caller;
    private final MailboxQueries queries;
    private final MailboxMutations mutations;

    MailboxesResource(Caller caller, MailboxQueries queries, MailboxMutations mutations) {
        this.caller = caller;
        this.queries = queries;
        this.mutations = mutations;
    }

    record Mailboxes(List<Mailbox> list) {}

    @GET
    @Path("/accounts/{accountId}/mailboxes")
    @Operation(
            summary = "All mailboxes of an account",
            description =
                    "RFC 8621 section 2, with path. The counts are the mail server's; the other properties have open"
                            + " mutations applied.")
    public Uni<Mailboxes> list(@PathParam("accountId") String accountId) {
        return queries.mailboxes(caller.tenant(), PathIds.account(accountId)).map(Mailboxes::new);
    }

    @POST
    @Path("/accounts/{accountId}/mailboxes")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Create a mailbox",
            description = "The next GET shows it; it is created on the mail server in the background.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON,
                            example = "{\"name\": \"Receipts\", \"parentId\": null}"))
    @APIResponse(responseCode = "202", description = "The id of the mutation, and the id that the mailbox will have")
    @APIResponse(responseCode = "422", description = "The name is not valid, or another mailbox has it")
    public Uni<RestResponse<MailboxMutations.Accepted>> create(
            @PathParam("accountId") String accountId,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key,
            byte[] body) {
        AccountId account = PathIds.account(accountId);
        return mutations
                .create(
                        caller.tenant(),
                        account,
                        MailboxPatch.ofCreation(RequestJson.object(body)),
                        Idempotency.of(key, "POST " + account + "/mailboxes", body))
                .map(RestResponse::accepted);
    }

    @PATCH
    @Path("/accounts/{accountId}/mailboxes/{mailboxId}")
    @Consumes({RequestJson.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Rename a mailbox, or move it below another",
            description = "A JSON merge patch (RFC 7396) of name and parentId; null moves it to the top.")
    @RequestBody(content = @Content(mediaType = RequestJson.MERGE_PATCH, example = "{\"name\": \"Bills\"}"))
    @APIResponse(responseCode = "202", description = "The id of the mutation")
    @APIResponse(
            responseCode = "422",
            description = "The name is not valid, another mailbox has it, or the mailbox is the INBOX")
    public Uni<RestResponse<MailboxMutations.Accepted>> patch(
            @PathParam("accountId") String accountId,
            @PathParam("mailboxId") String mailboxId,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key,
            byte[] body) {
        AccountId account = PathIds.account(accountId);
        MailboxId mailbox = PathIds.mailbox(mailboxId);
        return mutations
                .update(
                        caller.tenant(),
                        account,
                        mailbox,
                        MailboxPatch.ofUpdate(RequestJson.object(body)),
                        Idempotency.of(key, "PATCH " + account + "/" + mailbox, body))
                .map(RestResponse::accepted);
    }

    @DELETE
    @Path("/accounts/{accountId}/mailboxes/{mailboxId}")
    @Operation(summary = "Destroy a mailbox", description = "It must have no child mailboxes.")
    @APIResponse(responseCode = "202", description = "The id of the mutation")
    @APIResponse(responseCode = "422", description = "It has child mailboxes, or it is the INBOX")
    public Uni<RestResponse<MailboxMutations.Accepted>> destroy(
            @PathParam("accountId") String accountId,
            @PathParam("mailboxId") String mailboxId,
            @Parameter(
                            description =
                                    "destroy the emails that are in no other mailbox; if false, the mail server refuses to destroy a mailbox with emails")
                    @QueryParam("onDestroyRemoveEmails")
                    @DefaultValue("false")
                    boolean removeEmails,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key) {
        AccountId account = PathIds.account(accountId);
        MailboxId mailbox = PathIds.mailbox(mailboxId);
        return mutations
                .destroy(
                        caller.tenant(),
                        account,
                        mailbox,
                        removeEmails,
                        Idempotency.of(key, "DELETE " + account + "/" + mailbox + "/" + removeEmails, null))
                .map(RestResponse::accepted);
    }
}
