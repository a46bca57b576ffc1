package org.postbus.gateway.submission;

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
import org.postbus.gateway.account.AccountRow;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.body.BodyOctetsMax;
import org.postbus.gateway.database.Sessions;
import org.postbus.gateway.idempotency.Idempotency;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.model.AccountId;
import org.postbus.model.SubmissionId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "submissions", description = "Messages to be sent")
public class SubmissionsResource {
    private static final String RFC_822 = "message/rfc822";
    private static final List<String> STATES =
            List.of("queued", "sending", "sent", "rejected", "failed", "in-doubt", "canceled");
    private static final UUID FIRST = new UUID(0, 0);
    /** A message of 10 MiB with its attachments in base64. */
    private static final int DRAFT_OCTETS_MAX = 14 << 20;

    private final Caller caller;
    private final Sessions sessions;
    private final Submissions submissions;
    private final SendRequests requests;

    SubmissionsResource(Caller caller, Sessions sessions, Submissions submissions, SendRequests requests) {
        this.caller = caller;
        this.sessions = sessions;
        this.submissions = submissions;
        this.requests = requests;
    }

    @POST
    @Path("/accounts/{accountId}/submissions")
    @Consumes(MediaType.APPLICATION_JSON)
    @BodyOctetsMax(DRAFT_OCTETS_MAX)
    @Operation(
            summary = "Send a message",
            description =
                    "from, to, cc, bcc and replyTo are lists of objects with name and email; from defaults to the account's"
                            + " address. Give text, html or both. attachments have name, type, content (base64) and, for an image"
                            + " that html shows, cid. inReplyTo or forwardOf is the id of an email, which gets the keyword $answered"
                            + " or $forwarded after the message was sent. sendAt delays the message. Alternatively the body is a whole"
                            + " message (RFC 5322, US-ASCII) with the media type message/rfc822, whose header has the recipients. At"
                            + " most 100 recipients and 10 MiB.")
    @RequestBody(
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON,
                        example =
                                "{\"to\": [{\"email\": \"bob@example.com\"}], \"subject\": \"Hello\", \"text\": \"Hi Bob\"}"),
                @Content(mediaType = RFC_822, example = "To: bob@example.com\nFrom: me@example.com\n\nHi Bob")
            })
    @APIResponse(responseCode = "202", description = "The id of the submission. The message is sent once")
    @APIResponse(
            responseCode = "409",
            description = "A request with this Idempotency-Key is running; repeat yours later")
    @APIResponse(
            responseCode = "422",
            description =
                    "The content is not valid; or the account can not send: an IMAP account needs smtp, a JMAP account needs smtp or a"
                            + " server that offers urn:ietf:params:jmap:submission; or the Idempotency-Key was used for another request")
    public Uni<RestResponse<Submissions.Accepted>> send(
            @PathParam("accountId") String accountId,
            @Parameter(
                            description =
                                    "a request that repeats the key of an earlier one sends nothing and gets the response of the earlier one")
                    @HeaderParam(Idempotency.HEADER)
                    String key,
            byte[] body) {
        return requests.draft(caller.tenant(), PathIds.account(accountId), key, body)
                .map(RestResponse::accepted);
    }

    @POST
    @Path("/accounts/{accountId}/submissions")
    @Consumes(RFC_822)
    @BodyOctetsMax(NewMessage.OCTETS_MAX)
    @Operation(hidden = true)
    public Uni<RestResponse<Submissions.Accepted>> sendRaw(
            @PathParam("accountId") String accountId, @HeaderParam(Idempotency.HEADER) String key, byte[] body) {
        return requests.raw(caller.tenant(), PathIds.account(accountId), key, body)
                .map(RestResponse::accepted);
    }

    @GET
    @Path("/accounts/{accountId}/submissions")
    @Operation(summary = "The messages of an account, oldest first")
    public Uni<Page<Submission, SubmissionId>> list(
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
                                        from SubmissionRow
                                        where accountId = :account and submissionId > :after and state in :states
                                        order by submissionId""", SubmissionRow.class)
                                        .setParameter("account", account.value())
                                        .setParameter("after", after.orElse(FIRST))
                                        .setParameter("states", states.isEmpty() ? STATES : states)
                                        .setMaxResults(pageSize + 1)
                                        .getResultList()))
                .map(rows ->
                        Page.of(rows, pageSize, SubmissionRow::submission, row -> new SubmissionId(row.submissionId)));
    }

    @GET
    @Path("/accounts/{accountId}/submissions/{submissionId}")
    @Operation(summary = "A message and its state")
    public Uni<Submission> get(
            @PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        AccountId account = PathIds.account(accountId);
        SubmissionId submission = PathIds.submission(submissionId);
        return sessions.read(
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
            summary = "Retry a message that was rejected, failed or is in doubt, or try one that waits now",
            description =
                    "A message in doubt may have been sent already; a retry then sends it twice. For a message that was sent,"
                            + " only the copy in Sent is retried.")
    @APIResponse(responseCode = "202", description = "It is queued again")
    @APIResponse(responseCode = "409", description = "Its state allows no retry")
    public Uni<RestResponse<Void>> retry(
            @PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        return submissions
                .retry(caller.tenant(), PathIds.account(accountId), PathIds.submission(submissionId))
                .map(queued -> RestResponse.accepted());
    }

    @DELETE
    @Path("/accounts/{accountId}/submissions/{submissionId}")
    @Operation(
            summary = "Cancel a message that was not sent",
            description = "Its content is deleted; the submission stays listed with the state canceled.")
    @APIResponse(responseCode = "204", description = "It is canceled")
    @APIResponse(responseCode = "409", description = "It is being sent or was sent")
    public Uni<Void> cancel(@PathParam("accountId") String accountId, @PathParam("submissionId") String submissionId) {
        return submissions.cancel(caller.tenant(), PathIds.account(accountId), PathIds.submission(submissionId));
    }
}
