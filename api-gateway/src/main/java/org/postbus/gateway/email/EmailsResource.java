package org.postbus.gateway.email;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
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
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.body.BodyOctetsMax;
import org.postbus.gateway.body.LargeBodies;
import org.postbus.gateway.content.EmailBodies;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mail", description = "Mailboxes and emails as the mail server reported them, with open mutations applied")
public class EmailsResource {
    /** 1,000 emails with a long patch each. */
    private static final int BATCH_OCTETS_MAX = 1 << 20;

    private final Caller caller;
    private final EmailQueries queries;
    private final EmailMutations mutations;
    private final EmailBodies bodies;
    private final LargeBodies work;

    EmailsResource(
            Caller caller, EmailQueries queries, EmailMutations mutations, EmailBodies bodies, LargeBodies work) {
        this.caller = caller;
        this.queries = queries;
        this.mutations = mutations;
        this.bodies = bodies;
        this.work = work;
    }

    record Accepted(MutationId mutationId) {}

    @GET
    @Path("/accounts/{accountId}/emails")
    @Operation(summary = "Emails, newest first, without bodies", description = "RFC 8621 section 4.1.")
    public Uni<Page<Email, String>> list(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this mailbox") @QueryParam("mailboxId") String mailboxId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return queries.emails(
                caller.tenant(),
                PathIds.account(accountId),
                Optional.ofNullable(mailboxId).map(PathIds::mailbox),
                Page.limit(limit),
                Optional.ofNullable(cursor).map(EmailCursor::parse));
    }

    @GET
    @Path("/accounts/{accountId}/emails/{emailId}")
    @Operation(
            summary = "One email with its bodies",
            description =
                    "bodyValues, textBody, htmlBody and attachments as in RFC 8621 section 4.1.4. A body that is not"
                            + " in the database is fetched from the mail server, for up to 15 seconds. If that fails, the response has the"
                            + " rest of the email without these four properties, and bodyMissing: reason is server-away, login-refused,"
                            + " moved, gone, refused or busy; retryAfter, in seconds, is present if a new try makes sense.")
    public Uni<EmailWithBody> get(@PathParam("accountId") String accountId, @PathParam("emailId") String emailId) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        EmailId id = PathIds.email(emailId);
        Context context = Vertx.currentContext();
        return queries.email(tenant, account, id)
                .chain(email -> email.hasBody()
                        ? Uni.createFrom().item(email)
                        : bodies.fetch(tenant, account, id)
                                .map(email::with)
                                .emitOn(rest -> context.runOnContext(ignored -> rest.run())));
    }

    @PATCH
    @Path("/accounts/{accountId}/emails/{emailId}")
    @Consumes({RequestJson.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Set and remove keywords and mailboxes of an email",
            description = "A JSON merge patch (RFC 7396) of keywords and mailboxIds, with true to set and null to"
                    + " remove. The next GET shows the change; it is sent to the mail server in the background.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = RequestJson.MERGE_PATCH,
                            example = "{\"keywords\": {\"$seen\": true, \"$flagged\": null}}"))
    @APIResponse(responseCode = "202", description = "The id of the mutation; /mutations shows its state")
    @APIResponse(
            responseCode = "409",
            description = "A request with this Idempotency-Key is running; repeat yours later")
    @APIResponse(
            responseCode = "422",
            description = "An unknown property, keyword or mailbox, or the email would be in no mailbox")
    public Uni<RestResponse<Accepted>> patch(
            @PathParam("accountId") String accountId,
            @PathParam("emailId") String emailId,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key,
            byte[] body) {
        AccountId account = PathIds.account(accountId);
        EmailId email = PathIds.email(emailId);
        return mutations
                .update(
                        caller.tenant(),
                        account,
                        email,
                        EmailPatch.of(RequestJson.object(body)),
                        Idempotency.of(key, "PATCH " + account + "/" + email, body))
                .map(EmailsResource::accepted);
    }

    @POST
    @Path("/accounts/{accountId}/emails/batch")
    @Consumes(MediaType.APPLICATION_JSON)
    @BodyOctetsMax(BATCH_OCTETS_MAX)
    @Operation(
            summary = "Change and destroy up to 1,000 emails",
            description =
                    "update maps email ids to merge patches, as PATCH takes them; destroy lists ids. Each email may be"
                            + " named once. An email that can not be changed like this is listed under refused; the others are"
                            + " changed.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON,
                            example =
                                    "{\"update\": {\"0199d0d2-0000-7000-8000-000000000001\": {\"keywords\": {\"$seen\": true}}},"
                                            + " \"destroy\": [\"0199d0d2-0000-7000-8000-000000000002\"]}"))
    @APIResponse(responseCode = "202", description = "The ids of the mutations, by email")
    @APIResponse(
            responseCode = "409",
            description = "A request with this Idempotency-Key is running; repeat yours later")
    @APIResponse(responseCode = "422", description = "The form of the request is wrong; nothing was stored")
    public Uni<RestResponse<EmailBatch.Accepted>> batch(
            @PathParam("accountId") String accountId,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key,
            byte[] body) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        return work.work(tenant, body, () -> EmailBatch.of(RequestJson.object(body)))
                .chain(batch -> mutations.batch(
                        tenant, account, batch, Idempotency.of(key, "POST " + account + "/batch", body)))
                .map(RestResponse::accepted);
    }

    @DELETE
    @Path("/accounts/{accountId}/emails/{emailId}")
    @Operation(
            summary = "Destroy an email",
            description = "Deletes it for good. To put it into the trash, move it to the mailbox with the role trash.")
    @APIResponse(responseCode = "202", description = "The id of the mutation; /mutations shows its state")
    public Uni<RestResponse<Accepted>> destroy(
            @PathParam("accountId") String accountId,
            @PathParam("emailId") String emailId,
            @Parameter(description = Idempotency.DESCRIPTION) @HeaderParam(Idempotency.HEADER) String key) {
        AccountId account = PathIds.account(accountId);
        EmailId email = PathIds.email(emailId);
        return mutations
                .destroy(caller.tenant(), account, email, Idempotency.of(key, "DELETE " + account + "/" + email, null))
                .map(EmailsResource::accepted);
    }

    private static RestResponse<Accepted> accepted(MutationId mutation) {
        return RestResponse.accepted(new Accepted(mutation));
    }
}
