package org.postbus.gateway.mail;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PATCH;
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
import org.postbus.gateway.Caller;
import org.postbus.gateway.Page;
import org.postbus.gateway.PathIds;
import org.postbus.gateway.RequestJson;
import org.postbus.gateway.content.EmailBodies;
import org.postbus.gateway.mutation.EmailPatch;
import org.postbus.gateway.mutation.Wishes;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "mail", description = "What the mail server said, with the wishes that are still open laid over it")
public class EmailsResource {
    private static final String MERGE_PATCH = "application/merge-patch+json";

    private final Caller caller;
    private final MailQueries queries;
    private final Wishes wishes;
    private final EmailBodies bodies;

    EmailsResource(Caller caller, MailQueries queries, Wishes wishes, EmailBodies bodies) {
        this.caller = caller;
        this.queries = queries;
        this.wishes = wishes;
        this.bodies = bodies;
    }

    record Accepted(MutationId mutationId) {}

    @GET
    @Path("/accounts/{accountId}/emails")
    @Operation(summary = "Emails, newest first, without bodies", description = "RFC 8621 section 4.1.")
    public Uni<Page<Email, String>> list(
            @PathParam("accountId") String accountId,
            @Parameter(description = "only those in this mailbox") @QueryParam("mailboxId") String mailboxId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "next of the page before") @QueryParam("cursor") String cursor) {
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
                            + " kept is fetched from the mail server, for up to 15 seconds. If that does not work out, the rest of"
                            + " the email comes without these four, and bodyMissing says why: reason is server-away, login-refused,"
                            + " moved, gone, refused or busy; retryAfter, in seconds, is there if it is worth trying again.")
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
    @Consumes({MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Set and remove keywords, move, add to and remove from mailboxes",
            description = "A JSON merge patch (RFC 7396) of keywords and mailboxIds, with true to set and null to"
                    + " remove. The next GET shows it; the mail server is told in the background.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MERGE_PATCH,
                            example = "{\"keywords\": {\"$seen\": true, \"$flagged\": null}}"))
    @APIResponse(responseCode = "202", description = "The id of the wish, to be followed under /mutations")
    @APIResponse(responseCode = "422", description = "An unknown property, keyword or mailbox, or no mailbox is left")
    public Uni<RestResponse<Accepted>> patch(
            @PathParam("accountId") String accountId, @PathParam("emailId") String emailId, byte[] body) {
        return wishes.update(
                        caller.tenant(),
                        PathIds.account(accountId),
                        PathIds.email(emailId),
                        EmailPatch.of(RequestJson.object(body)))
                .map(EmailsResource::accepted);
    }

    @DELETE
    @Path("/accounts/{accountId}/emails/{emailId}")
    @Operation(summary = "Destroy an email", description = "For good: to put it into the trash, move it there.")
    @APIResponse(responseCode = "202", description = "The id of the wish, to be followed under /mutations")
    public Uni<RestResponse<Accepted>> destroy(
            @PathParam("accountId") String accountId, @PathParam("emailId") String emailId) {
        return wishes.destroy(caller.tenant(), PathIds.account(accountId), PathIds.email(emailId))
                .map(EmailsResource::accepted);
    }

    private static RestResponse<Accepted> accepted(MutationId mutation) {
        return RestResponse.accepted(new Accepted(mutation));
    }
}
