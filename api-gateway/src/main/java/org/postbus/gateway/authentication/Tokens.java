package org.postbus.gateway.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticator;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.jwt.JsonWebToken;
import org.jboss.logging.Logger;
import org.postbus.gateway.audit.Actor;
import org.postbus.gateway.config.OidcConfig;
import org.postbus.gateway.problem.Problem;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.TenantId;

/**
 * Finds what a token of the OpenID Connect provider allows. The framework verifies the token; claims name the tenant and the scopes. A token can not
 * be revoked here: it works until it expires, or its tenant is suspended.
 */
@ApplicationScoped
class Tokens {
    private static final Logger LOG = Logger.getLogger(Tokens.class);
    private static final int TENANTS_MAX = 10_000;

    private final OidcProvider provider;
    private final OidcConfig config;
    private final HttpAuthenticator authenticator;
    private final TenantTransactions transactions;
    private final FailedLogins failures;
    private final Cache<TenantId, TenantState> states = Caffeine.newBuilder()
            .expireAfterWrite(ApiKeys.CACHED)
            .maximumSize(TENANTS_MAX)
            .build();

    Tokens(
            OidcProvider provider,
            OidcConfig config,
            HttpAuthenticator authenticator,
            TenantTransactions transactions,
            FailedLogins failures) {
        this.provider = provider;
        this.config = config;
        this.authenticator = authenticator;
        this.transactions = transactions;
        this.failures = failures;
    }

    boolean areAccepted() {
        return provider.isConfigured();
    }

    /**
     * Fails with a 401 problem if the token is not valid or does not say what it allows, with 403 if its tenant is suspended, and with 503 if
     * the provider can not be asked for its keys.
     */
    Future<Identity> identify(RoutingContext context, InetAddress address, String requestId) {
        return Future.fromCompletionStage(
                        authenticator.attemptAuthentication(context).subscribeAsCompletionStage(),
                        context.vertx().getOrCreateContext())
                .recover(failure -> {
                    if (failure instanceof AuthenticationFailedException) {
                        return wrong(
                                address,
                                requestId,
                                "this token is not valid: it has expired, or it is not for Postbus");
                    }
                    LOG.warnf("the OpenID Connect provider could not be asked: %s", failure.getMessage());
                    return Future.failedFuture(
                            Problem.unavailable("the OpenID Connect provider can not be reached; try again later"));
                })
                .compose(verified -> identity(verified, address, requestId));
    }

    private Future<Identity> identity(SecurityIdentity verified, InetAddress address, String requestId) {
        Optional<TokenClaims> claims = verified != null && verified.getPrincipal() instanceof JsonWebToken token
                ? TokenClaims.of(token.getClaim(config.tenantClaim()), token.getClaim(config.scopesClaim()))
                : Optional.empty();
        if (claims.isEmpty()) {
            return wrong(
                    address,
                    requestId,
                    "this token does not say what it allows: it needs the claims " + config.tenantClaim() + " and "
                            + config.scopesClaim());
        }
        JsonWebToken token = (JsonWebToken) verified.getPrincipal();
        Identity identity = new Identity(
                new Actor.Subject(token.getSubject()),
                claims.get().tenant(),
                claims.get().scopes(),
                List.of(),
                Optional.of(Instant.ofEpochSecond(token.getExpirationTime())));
        return identity.tenant()
                .map(tenant -> state(tenant)
                        .compose(state -> state.refusal()
                                .<Future<Identity>>map(reason -> Future.failedFuture(Problem.forbidden(reason)))
                                .orElseGet(() -> Future.succeededFuture(identity))))
                .orElseGet(() -> Future.succeededFuture(identity));
    }

    private Future<TenantState> state(TenantId tenant) {
        TenantState cached = states.getIfPresent(tenant);
        if (cached != null) {
            return Future.succeededFuture(cached);
        }
        return transactions.future(
                tenant,
                connection -> connection
                        .preparedQuery("select status, reason from tenant where tenant_id = $1")
                        .execute(Tuple.of(tenant.value()))
                        .map(rows -> {
                            TenantState state = TenantState.UNKNOWN;
                            for (Row row : rows) {
                                state = new TenantState(
                                        row.getString("status"), Optional.ofNullable(row.getString("reason")));
                            }
                            states.put(tenant, state);
                            return state;
                        }));
    }

    private <T> Future<T> wrong(InetAddress address, String requestId, String detail) {
        failures.attempt(address);
        failures.failed(address, requestId);
        return Future.failedFuture(Problem.unauthorized(detail));
    }
}
