package org.postbus.gateway.submission;

import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.database.Database;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "submissions", description = "Messages on their way out")
public class SubmissionsResource {
    private static final String RFC_822 = "message/rfc822";
    private static final List<String> STATES =
            List.of("queued", "sending", "sent", "rejected", "failed", "in-doubt", "canceled");
    private static final UUID FIRST = new UUID(0, 0);
    private static final Duration STORE_TIME_MAX = Duration.ofSeconds(30);

    private final Caller caller;
    private final Database database;
    private final Submissions submissions;
    private final SendingOffer offer;

    SubmissionsResource(Caller caller, Database database, Submissions submissions, SendingOffer offer) {
        this.caller = caller;
        this.database = database;
        this.submissions = submissions;
        this.offer = offer;
    }

    /** Blocking: a message of megabytes is taken apart and put together. */
    @POST
    @Path("/accounts/{accountId}/submissions")
    @Consumes(MediaType.APPLICATION_JSON)
    @Blocking
    @Operation(
            summary = "Send a message",
            description =
                    "from (the account's address if left out), to, cc, bcc and replyTo are lists of name and email;"
                            + " text, html or both; attachments have name, type, content (base64) and, for an image of the HTML"
                            + " text, cid. inReplyTo or forwardOf is the id of an email, which gets the keyword $answered or"
                            + " $forwarded once the message was sent. sendAt delays it. Instead, a whole message (RFC 5322,"
                            + " US-ASCII) may be sent as message/rfc822: its header says who it goes to. Up to 100 recipients"
                            + " and 10 MiB.")
    @RequestBody(
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON,
                        example =
                                "{\"to\": [{\"email\": \"bob@example.com\"}], \"subject\": \"Hello\", \"text\": \"Hi Bob\"}"),
                @Content(mediaType = RFC_822, example = "To: bob@example.com\nFrom: me@example.com\n\nHi Bob")
            })
    @APIResponse(responseCode = "202", description = "The id of the submission. It is sent once")
    @APIResponse(responseCode = "409", description = "A request with this Idempotency-Key is being done right now")
    @APIResponse(
            responseCode = "422",
            description =
                    "What is wrong with it; or the account can not send: an IMAP account needs smtp, the server of a JMAP account"
                            + " must offer urn:ietf:params:jmap:submission; or the Idempotency-Key came with another request before")
    public RestResponse<Submissions.Accepted> send(
            @PathParam("accountId") String accountId,
            @Parameter(description = "asked twice with the same key, it is sent once") @HeaderParam("Idempotency-Key")
                    String key,
            byte[] body) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        // First: whether there is such an account is nobody else's business, whatever is asked of it.
        Submissions.Ground ground = ground(tenant, account, Optional.empty());
        Draft draft = Draft.of(RequestJson.object(body));
        if (draft.parent().isPresent()) {
            ground = ground(tenant, account, draft.parent().map(Draft.Parent::emailId));
        }
        return accepted(
                tenant,
                account,
                ground,
                draft.compose(ground.email(), ground.parentHeaders(), Instant.now()),
                draft.parent(),
                draft.sendAt(),
                Idempotency.of(key, "POST " + account + "/submissions", body));
    }

    @POST
    @Path("/accounts/{accountId}/submissions")
    @Consumes(RFC_822)
    @Blocking
    @Operation(hidden = true)
    public RestResponse<Submissions.Accepted> sendRaw(
            @PathParam("accountId") String accountId, @HeaderParam("Idempotency-Key") String key, byte[] body) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        Submissions.Ground ground = ground(tenant, account, Optional.empty());
        NewMessage message = RawMessage.of(body, Instant.now());
        return accepted(
                tenant,
                account,
                ground,
                message,
                Optional.empty(),
                Optional.empty(),
                Idempotency.of(key, "POST " + account + "/submissions", body));
    }

    private Submissions.Ground ground(TenantId tenant, AccountId account, Optional<EmailId> parent) {
        return submissions.ground(tenant, account, parent).await().atMost(STORE_TIME_MAX);
    }

    private RestResponse<Submissions.Accepted> accepted(
            TenantId tenant,
            AccountId account,
            Submissions.Ground ground,
            NewMessage message,
            Optional<Draft.Parent> parent,
            Optional<Instant> sendAt,
            Idempotency idempotency) {
        if (ground.settings() instanceof AccountSettings.Jmap settings) {
            offer.require(account, ground.revision(), settings, ground.credential());
        }
        return RestResponse.accepted(submissions
                .add(tenant, account, message, parent, sendAt, idempotency)
                .await()
                .atMost(STORE_TIME_MAX));
    }

    @GET
    @Path("/accounts/{accountId}/submissions")
    @Operation(summary = "The messages of an account, oldest first")
    public Uni<Page<Submission, SubmissionId>> list(
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
                                        from SubmissionRow
                                        where accountId = :account and submissionId > :after and state in :states
                                        order by submissionId""", SubmissionRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(FIRST))
                                        .setParameter("states", states.isEmpty() ? STATES : states)
                                        .setMaxResults(most + 1)
                                        .getResultList()))
                .map(rows -> Page.of(rows, most, SubmissionRow::submission, row -> new SubmissionId(row.submissionId)));
    }

    @GET
    @Path("/accounts/{accountId}/submissions/{submissionId}")
    @Operation(summary = "A message and what came of it")
    public Uni<Submission> get(
            @PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        AccountId account = PathIds.account(accountId);
        SubmissionId submission = PathIds.submission(submissionId);
        return database.read(
                        caller.tenant(),
                        session -> session.createQuery(
                                        "from SubmissionRow where accountId = :account and submissionId = :submission",
                                        SubmissionRow.class)
                                .setParameter("account", account.value())
                                .setParameter("submission", submission.value())
                                .getSingleResultOrNull())
                .onItem()
                .ifNull()
                .failWith(() -> Problem.notFound("submission"))
                .map(SubmissionRow::submission);
    }

    @POST
    @Path("/accounts/{accountId}/submissions/{submissionId}/retry")
    @Operation(
            summary = "Try again what was rejected, failed or is in doubt",
            description =
                    "What is in doubt may have been sent: then it is sent twice. Of one that was sent, it is the copy"
                            + " among the sent ones that is tried again.")
    @APIResponse(responseCode = "202", description = "It is queued again")
    @APIResponse(responseCode = "409", description = "There is nothing to try again")
    public Uni<RestResponse<Void>> retry(
            @PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        return submissions
                .retry(caller.tenant(), PathIds.account(accountId), PathIds.submission(submissionId))
                .map(queued -> RestResponse.accepted());
    }

    @DELETE
    @Path("/accounts/{accountId}/submissions/{submissionId}")
    @Operation(
            summary = "Cancel a message before it goes, or give one up",
            description = "Its content is forgotten; that it was asked for stays on record as canceled.")
    @APIResponse(responseCode = "204", description = "It is canceled")
    @APIResponse(responseCode = "409", description = "It is on its way or was sent")
    public Uni<Void> cancel(@PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        return submissions.cancel(caller.tenant(), PathIds.account(accountId), PathIds.submission(submissionId));
    }
}
