package org.postbus.gateway.account;

import com.fasterxml.jackson.databind.JsonNode;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.net.URI;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.egress.HostPolicy;
import org.postbus.gateway.probe.AccountCheck;
import org.postbus.gateway.probe.Discovery;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "accounts", description = "The mailbox logins that Postbus keeps in step")
public class AccountsResource {
    private static final String MERGE_PATCH = "application/merge-patch+json";

    private final Caller caller;
    private final AccountStore store;
    private final AccountQueries queries;
    private final AccountCheck check;
    private final HostPolicy hosts;
    private final Discovery discovery;

    AccountsResource(
            Caller caller,
            AccountStore store,
            AccountQueries queries,
            AccountCheck check,
            HostPolicy hosts,
            Discovery discovery) {
        this.caller = caller;
        this.store = store;
        this.queries = queries;
        this.check = check;
        this.hosts = hosts;
        this.discovery = discovery;
    }

    record Created(AccountId id) {}

    @POST
    @Path("/accounts")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Add an account",
            description =
                    "Its synchronisation begins at once. The login is not tried: see /accounts/check. Where the part jmap is"
                            + " left out it is discovered: see /discovery. Where a login has several accounts on a JMAP server,"
                            + " jmap.accountId names the one; without it, it is the primary account for mail. The credential goes to"
                            + " the host of jmap.sessionUrl and its sub-domains; where the server has its API, downloads or events on"
                            + " other hosts, jmap.trustedHosts lists those that may have it, too, with their sub-domains.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = RequestExamples.ACCOUNT))
    @APIResponse(responseCode = "201", description = "The account's id")
    @APIResponse(responseCode = "422", description = "A property is missing or not valid, or a host is not public")
    public Uni<RestResponse<Created>> create(byte[] body) {
        TenantId tenant = caller.tenant();
        return discovery
                .complete(RequestJson.object(body))
                .map(AccountRequest::create)
                .call(request -> hosts.check(request.hosts()))
                .chain(request ->
                        store.create(tenant, request, request.credential().orElseThrow()))
                .map(id -> RestResponse.ResponseBuilder.<Created>created(URI.create("/v1/accounts/" + id))
                        .entity(new Created(id))
                        .build());
    }

    @POST
    @Path("/accounts/check")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Try an account out",
            description =
                    "Connects and logs in, for at most 10 seconds, and says what the server can do or why it"
                            + " does not let us in; then the same with the SMTP server, if there is one. Nothing is stored or sent.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = RequestExamples.ACCOUNT))
    public Uni<AccountCheck.Outcome> check(byte[] body) {
        return discovery
                .complete(RequestJson.object(body))
                .map(AccountRequest::create)
                .call(request -> hosts.check(request.hosts()))
                .chain(request ->
                        check.check(request.settings(), request.credential().orElseThrow()));
    }

    @GET
    @Path("/discovery")
    @Operation(
            summary = "Find the servers behind an address",
            description =
                    "JMAP by the SRV records of its domain and by https, for at most 15 seconds. No password is sent.")
    public Uni<Discovery.Servers> discovery(
            @Parameter(description = "such as alice@example.com") @QueryParam("email") String email) {
        return discovery.servers(email);
    }

    @GET
    @Path("/accounts")
    @Operation(summary = "List the accounts", description = "In the order in which they were added.")
    public Uni<Page<Account, AccountId>> list(
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "next of the page before") @QueryParam("cursor") String cursor) {
        return queries.accounts(caller.tenant(), Page.limit(limit), Page.after(cursor));
    }

    @GET
    @Path("/accounts/{accountId}")
    @Operation(summary = "One account, with what its synchronisation is doing")
    public Uni<Account> get(@PathParam("accountId") String accountId) {
        return queries.account(caller.tenant(), PathIds.account(accountId));
    }

    @PATCH
    @Path("/accounts/{accountId}")
    @Consumes({MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Change an account",
            description =
                    "A JSON merge patch (RFC 7396) of username, password or accessToken, status (active or paused), imap, smtp"
                            + " and jmap; jmap.accountId stays. The account is then connected anew.")
    @RequestBody(content = @Content(mediaType = MERGE_PATCH, example = RequestExamples.ACCOUNT_PATCH))
    public Uni<Account> change(@PathParam("accountId") String accountId, byte[] body) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        JsonNode patch = RequestJson.object(body);
        return store.find(tenant, account).chain(stored -> {
            AccountRequest request = AccountRequest.change(stored.email(), stored.settings(), stored.status(), patch);
            return hosts.check(request.hosts())
                    .chain(() -> store.change(tenant, account, stored.revision(), request))
                    .chain(() -> queries.account(tenant, account));
        });
    }

    @DELETE
    @Path("/accounts/{accountId}")
    @Operation(
            summary = "Delete an account",
            description = "With everything that Postbus holds of it. The mail server is left as it is.")
    @APIResponse(responseCode = "204", description = "It is gone")
    public Uni<Void> delete(@PathParam("accountId") String accountId) {
        return store.delete(caller.tenant(), PathIds.account(accountId));
    }

    @POST
    @Path("/accounts/{accountId}/sync")
    @Operation(summary = "Look for changes on the server now")
    @APIResponse(responseCode = "202", description = "The account's fetcher is told")
    public Uni<RestResponse<Void>> sync(@PathParam("accountId") String accountId) {
        return store.wake(caller.tenant(), PathIds.account(accountId)).map(woken -> RestResponse.accepted());
    }

    @GET
    @Path("/accounts/{accountId}/sync-log")
    @Operation(summary = "Past cycles, newest first")
    public Uni<Page<SyncLogEntry, UUID>> syncLog(
            @PathParam("accountId") String accountId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "next of the page before") @QueryParam("cursor") String cursor) {
        return queries.syncLog(caller.tenant(), PathIds.account(accountId), Page.limit(limit), Page.after(cursor));
    }

    @GET
    @Path("/accounts/{accountId}/quarantine")
    @Operation(
            summary = "Messages that could not be read, newest first",
            description =
                    "Each is tried again when the account is read anew; the others of its mailbox are synchronised.")
    public Uni<Page<QuarantinedMessage, UUID>> quarantine(
            @PathParam("accountId") String accountId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "next of the page before") @QueryParam("cursor") String cursor) {
        return queries.quarantine(caller.tenant(), PathIds.account(accountId), Page.limit(limit), Page.after(cursor));
    }
}
