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
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestResponse;
import org.postbus.gateway.authentication.AuthenticatedRequest;
import org.postbus.gateway.authentication.Caller;
import org.postbus.gateway.egress.HostPolicy;
import org.postbus.gateway.probe.AccountCheck;
import org.postbus.gateway.probe.Discovery;
import org.postbus.gateway.quota.AtOnce;
import org.postbus.gateway.quota.Quota;
import org.postbus.gateway.quota.Rates;
import org.postbus.gateway.rest.Page;
import org.postbus.gateway.rest.PathIds;
import org.postbus.gateway.rest.RequestJson;
import org.postbus.gateway.topic.SyncRequests;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = "accounts", description = "The mail accounts that Postbus syncs")
public class AccountsResource {
    private static final int ADDRESS_LENGTH_MAX = 320;

    private final Caller caller;
    private final AccountStore store;
    private final AccountQueries queries;
    private final AccountCheck check;
    private final HostPolicy hosts;
    private final Discovery discovery;
    private final SyncRequests syncRequests;
    private final Rates rates;
    private final AtOnce atOnce;

    AccountsResource(
            Caller caller,
            AccountStore store,
            AccountQueries queries,
            AccountCheck check,
            HostPolicy hosts,
            Discovery discovery,
            SyncRequests syncRequests,
            Rates rates,
            AtOnce atOnce) {
        this.caller = caller;
        this.store = store;
        this.queries = queries;
        this.check = check;
        this.hosts = hosts;
        this.discovery = discovery;
        this.syncRequests = syncRequests;
        this.rates = rates;
        this.atOnce = atOnce;
    }

    /** Connections to servers that a tenant names: they are few at a time, and few in time. */
    private <T> Uni<T> limited(TenantId tenant, Supplier<Uni<T>> check) {
        return rates.check(tenant).chain(() -> atOnce.run(tenant, Quota.CHECKS_AT_ONCE, check));
    }

    /** An address that is too long is refused later. */
    private Uni<JsonNode> discovered(JsonNode request) {
        return request.path("email").asText("").length() > ADDRESS_LENGTH_MAX
                ? Uni.createFrom().item(request)
                : discovery.complete(request);
    }

    record Created(AccountId id) {}

    @POST
    @Path("/accounts")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Add an account",
            description =
                    "The sync begins at once. The login is not tried: see /accounts/check. An account with protocol jmap and no"
                            + " property jmap is discovered: see /discovery. If the login has several accounts on a JMAP server,"
                            + " jmap.accountId chooses one; the default is the primary account for mail. The credential is sent to"
                            + " the host of jmap.sessionUrl and its subdomains. If the server has its API, downloads or events on"
                            + " other hosts, jmap.trustedHosts lists the hosts that may get it too, with their subdomains. A mailbox (protocol,"
                            + " server and user name) is added once, unless allowDuplicate is true.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = RequestExamples.ACCOUNT))
    @APIResponse(responseCode = "201", description = "The account's id")
    @APIResponse(responseCode = "403", description = "The quota accounts or storedBytes is used up")
    @APIResponse(
            responseCode = "409",
            description =
                    "Another account syncs the same mailbox: detail names it. allowDuplicate: true adds a second one all the same")
    @APIResponse(responseCode = "422", description = "A property is missing or not valid, or a host is not public")
    public Uni<RestResponse<Created>> create(byte[] body) {
        AuthenticatedRequest by = caller.request();
        JsonNode json = RequestJson.object(body);
        boolean connects = json.path("protocol").asText("").equals("jmap") && !json.has("jmap");
        return (connects ? limited(by.tenant(), () -> discovered(json)) : discovered(json))
                .map(AccountRequest::create)
                .call(request -> hosts.check(request.hosts()))
                .chain(request -> store.create(by, request, request.credential().orElseThrow()))
                .map(id -> RestResponse.ResponseBuilder.<Created>created(URI.create("/v1/accounts/" + id))
                        .entity(new Created(id))
                        .build());
    }

    @POST
    @Path("/accounts/check")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            summary = "Try the login of an account",
            description =
                    "Connects and logs in, for at most 10 seconds, and returns the server's capabilities or the"
                            + " reason of the failure; then does the same with the SMTP server, if there is one. Nothing is stored or sent.")
    @RequestBody(content = @Content(mediaType = MediaType.APPLICATION_JSON, example = RequestExamples.ACCOUNT))
    public Uni<AccountCheck.Outcome> check(byte[] body) {
        TenantId tenant = caller.tenant();
        JsonNode json = RequestJson.object(body);
        return limited(
                tenant,
                () -> discovered(json)
                        .map(AccountRequest::create)
                        .call(request -> hosts.check(request.hosts()))
                        .chain(request -> check.check(
                                request.settings(), request.credential().orElseThrow())));
    }

    @GET
    @Path("/discovery")
    @Operation(
            summary = "Find the servers of an email address",
            description =
                    "Searches for a JMAP server by the SRV records of the domain and by https, for at most 15 seconds. No password is sent.")
    public Uni<Discovery.Servers> discovery(
            @Parameter(description = "such as alice@example.com") @QueryParam("email") String email) {
        String address = email == null || email.length() > ADDRESS_LENGTH_MAX ? "" : email;
        return limited(caller.tenant(), () -> discovery.servers(address));
    }

    @GET
    @Path("/accounts")
    @Operation(summary = "List the accounts", description = "In the order of their creation.")
    public Uni<Page<Account, AccountId>> list(
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return queries.accounts(caller.tenant(), Page.limit(limit), Page.after(cursor));
    }

    @GET
    @Path("/accounts/{accountId}")
    @Operation(summary = "One account, with the state of its sync")
    public Uni<Account> get(@PathParam("accountId") String accountId) {
        return queries.account(caller.tenant(), PathIds.account(accountId));
    }

    @PATCH
    @Path("/accounts/{accountId}")
    @Consumes({RequestJson.MERGE_PATCH, MediaType.APPLICATION_JSON})
    @Operation(
            summary = "Change an account",
            description =
                    "A JSON merge patch (RFC 7396) of username, password or accessToken, status (active or paused), imap, smtp"
                            + " and jmap; jmap.accountId can not be changed. Postbus then opens new connections for the account.")
    @RequestBody(content = @Content(mediaType = RequestJson.MERGE_PATCH, example = RequestExamples.ACCOUNT_PATCH))
    public Uni<Account> change(@PathParam("accountId") String accountId, byte[] body) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        AuthenticatedRequest by = caller.request();
        JsonNode patch = RequestJson.object(body);
        return store.find(tenant, account).chain(stored -> {
            AccountRequest request = AccountRequest.change(stored.email(), stored.settings(), stored.status(), patch);
            // Unchanged servers are not checked: the account can be paused whatever the policy and DNS say now.
            boolean serversChanged = !request.settings().equals(stored.settings());
            return hosts.check(serversChanged ? request.hosts() : List.of())
                    .chain(() -> store.change(by, account, stored.revision(), request))
                    .chain(() -> queries.account(tenant, account));
        });
    }

    @DELETE
    @Path("/accounts/{accountId}")
    @Operation(
            summary = "Delete an account",
            description = "Deletes everything that Postbus stores for it. Nothing changes on the mail server.")
    @APIResponse(responseCode = "204", description = "It is deleted")
    public Uni<Void> delete(@PathParam("accountId") String accountId) {
        return store.delete(caller.request(), PathIds.account(accountId));
    }

    @POST
    @Path("/accounts/{accountId}/sync")
    @Operation(
            summary = "Sync the account now",
            description =
                    "Also ends the wait after an error, but never earlier than the mail server asked for, and if it asked for nothing"
                            + " never within 5 seconds of the error: the sync then begins after that time. A login that was refused is"
                            + " tried again. For a paused account the response is also 202, and the request has no effect.")
    @APIResponse(responseCode = "202", description = "The request is published to the fetchers")
    @APIResponse(responseCode = "429", description = "The quota syncsPerAccountAndMinute is used up; see Retry-After")
    @APIResponse(
            responseCode = "503",
            description = "The message broker is unavailable; repeat the request, or wait for the next poll")
    public Uni<RestResponse<Void>> sync(@PathParam("accountId") String accountId) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        return queries.account(tenant, account)
                .chain(() -> rates.sync(tenant, account))
                .chain(() -> syncRequests.publish(tenant, account))
                .map(published -> RestResponse.accepted());
    }

    @GET
    @Path("/accounts/{accountId}/sync-log")
    @Operation(summary = "Past sync passes, newest first")
    public Uni<Page<SyncLogEntry, UUID>> syncLog(
            @PathParam("accountId") String accountId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return queries.syncLog(caller.tenant(), PathIds.account(accountId), Page.limit(limit), Page.after(cursor));
    }

    @GET
    @Path("/accounts/{accountId}/quarantine")
    @Operation(
            summary = "Messages that could not be read, newest first",
            description =
                    "A message that the mail server refuses is deferred and tried again within minutes. It is quarantined when it alone"
                            + " was refused at least 5 times in 20 minutes or more while others were returned, and then tried again after"
                            + " 1 hour, 6 hours, and daily; also in every full sync pass and on request. The other messages of its mailbox"
                            + " are synced.")
    public Uni<Page<QuarantinedMessage, UUID>> quarantine(
            @PathParam("accountId") String accountId,
            @Parameter(description = "1 to 500") @QueryParam("limit") @DefaultValue(Page.LIMIT_DEFAULT) int limit,
            @Parameter(description = "the value of next in the page before") @QueryParam("cursor") String cursor) {
        return queries.quarantine(caller.tenant(), PathIds.account(accountId), Page.limit(limit), Page.after(cursor));
    }

    @POST
    @Path("/accounts/{accountId}/quarantine/{quarantineId}/retry")
    @Operation(
            summary = "Try to read a message again now",
            description =
                    "The account is synced, and that pass tries the message. If it can be read it appears among the emails and not here any"
                            + " more; otherwise nextTryAt is later. For a paused account it is tried when the account is active again.")
    @APIResponse(responseCode = "202", description = "The request is published to the fetchers")
    @APIResponse(responseCode = "429", description = "The quota syncsPerAccountAndMinute is used up; see Retry-After")
    @APIResponse(
            responseCode = "503",
            description = "The message broker is unavailable; repeat the request, or wait for the next poll")
    public Uni<RestResponse<Void>> retry(
            @PathParam("accountId") String accountId, @PathParam("quarantineId") String quarantineId) {
        TenantId tenant = caller.tenant();
        AccountId account = PathIds.account(accountId);
        UUID message = PathIds.quarantined(quarantineId);
        return queries.account(tenant, account)
                .chain(() -> rates.sync(tenant, account))
                .chain(() -> queries.retryQuarantined(tenant, account, message))
                .chain(() -> syncRequests.publish(tenant, account))
                .map(published -> RestResponse.accepted());
    }
}
