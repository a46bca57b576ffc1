package org.postbus.gateway.mail;

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
import org.postbus.gateway.mutation.MailboxMutations;
import org.postbus.gateway.mutation.MailboxPatch;
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
    private final MailQueries queries;

    private final MailboxMutations wishes;

    MailboxesResource(Caller caller, MailQueries queries, MailboxMutations wishes) {
        this.caller = caller;
        this.queries = queries;
        this.wishes = wishes;
    }

    record Mailboxes(List<Mailbox> list) {}

    @GET
    @Path("/accounts/{accountId}/mailboxes")
    @Operation(
            summary = "All mailboxes of an account",
            description = "RFC 8621 section 2, with path. The counts are the mail server's; open wishes are laid over"
                    + " the rest.")
    public Uni<Mailboxes> list(@PathParam("accountId") String accountId) {
        return queries.mailboxes(caller.tenant(), PathIds.account(accountId)).map(Mailboxes::new);
    }

    @POST
    @Path("/accounts/{accountId}/mailboxes")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Create a mailbox",
            description = "The next GET shows it; the mail server is told in the background.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON,
                            example = "{\"name\": \"Receipts\", \"parentId\": null}"))
    @APIResponse(responseCode = "202", description = "The id of the wish, and the id that the mailbox will have")
    @APIResponse(responseCode = "422", description = "A name that can not be, or that is taken")
    public Uni<RestResponse<MailboxMutations.Accepted>> create(
            @PathParam("accountId") String accountId,
            @Parameter(description = EmailsResource.KEY) @HeaderParam(EmailsResource.KEY_HEADER) String key,
            byte[] body) {
        AccountId account = PathIds.account(accountId);
        return wishes.create(
                        caller.tenant(),
                        account,
                        MailboxPatch.ofCreation(RequestJson.object(body)),
                        Idempotency.of(key, "POST " + account + "/mailboxes", body))
                .map(RestResponse::accepted);
    }

    @PATCH
    @Path("/accounts/{accountId}/mailboxes/{mailboxId}")
    @Consumes({EmailsResource.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Rename a mailbox, or move it below another",
            description = "A JSON merge patch (RFC 7396) of name and parentId; null moves it to the top.")
    @RequestBody(content = @Content(mediaType = EmailsResource.MERGE_PATCH, example = "{\"name\": \"Bills\"}"))
    @APIResponse(responseCode = "202", description = "The id of the wish")
    @APIResponse(responseCode = "422", description = "A name that can not be, or that is taken, or the INBOX")
    public Uni<RestResponse<MailboxMutations.Accepted>> patch(
            @PathParam("accountId") String accountId,
            @PathParam("mailboxId") String mailboxId,
            @Parameter(description = EmailsResource.KEY) @HeaderParam(EmailsResource.KEY_HEADER) String key,
            byte[] body) {
        AccountId account = PathIds.account(accountId);
        MailboxId mailbox = PathIds.mailbox(mailboxId);
        return wishes.update(
                        caller.tenant(),
                        account,
                        mailbox,
                        MailboxPatch.ofUpdate(RequestJson.object(body)),
                        Idempotency.of(key, "PATCH " + account + "/" + mailbox, body))
                .map(RestResponse::accepted);
    }

    @DELETE
    @Path("/accounts/{accountId}/mailboxes/{mailboxId}")
    @Operation(summary = "Destroy a mailbox", description = "It must have no mailboxes below it.")
    @APIResponse(responseCode = "202", description = "The id of the wish")
    @APIResponse(responseCode = "422", description = "There are mailboxes below it, or it is the INBOX")
    public Uni<RestResponse<MailboxMutations.Accepted>> destroy(
            @PathParam("accountId") String accountId,
            @PathParam("mailboxId") String mailboxId,
            @Parameter(
                            description =
                                    "destroy the emails that are in no other mailbox; without it the mail server refuses if there are any")
                    @QueryParam("onDestroyRemoveEmails")
                    @DefaultValue("false")
                    boolean removeEmails,
            @Parameter(description = EmailsResource.KEY) @HeaderParam(EmailsResource.KEY_HEADER) String key) {
        AccountId account = PathIds.account(accountId);
        MailboxId mailbox = PathIds.mailbox(mailboxId);
        return wishes.destroy(
                        caller.tenant(),
                        account,
                        mailbox,
                        removeEmails,
                        Idempotency.of(key, "DELETE " + account + "/" + mailbox + "/" + removeEmails, null))
                .map(RestResponse::accepted);
    }
}
