package org.postbus.gateway.authentication;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.postbus.gateway.audit.AuditLog;
import org.postbus.gateway.config.GatewayConfig;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemException;
import org.postbus.gateway.problem.ProblemResponses;
import org.postbus.network.IpAddress;
import org.postbus.network.IpNetwork;

/**
 * Every request under {@code /v1} passes here before any route: it needs a valid credential, a route that {@link Routes} lists, and what that
 * route requires. So a route that forgets to check anything is safe, and one that is not listed can not be called.
 */
@ApplicationScoped
class Authentication {
    /** After the limit of the body's size. */
    private static final int IDENTIFICATION_ORDER = 900;
    /** After the quota of requests, which so counts those that are refused here, too. */
    private static final int ADMISSION_ORDER = 700;

    private static final String SCHEME = "Bearer ";

    private final ApiKeys keys;
    private final Tokens tokens;
    private final KeyUses uses;
    private final AuditLog log;
    private final LoggedRefusals refusals = new LoggedRefusals();
    private final List<IpNetwork> trustedProxies;

    Authentication(ApiKeys keys, Tokens tokens, KeyUses uses, AuditLog log, GatewayConfig config) {
        this.keys = keys;
        this.tokens = tokens;
        this.uses = uses;
        this.log = log;
        this.trustedProxies = config.trustedProxies().orElse(List.of()).stream()
                .map(IpNetwork::parseLenient)
                .toList();
    }

    void register(@Observes Filters filters) {
        filters.register(this::authenticate, IDENTIFICATION_ORDER);
        filters.register(this::admit, ADMISSION_ORDER);
    }

    static boolean isProtected(String path) {
        return path.equals("/v1") || path.startsWith("/v1/");
    }

    private void authenticate(RoutingContext context) {
        String path = context.normalizedPath();
        if (path.indexOf(';') >= 0) {
            // The framework would cut a matrix parameter from its segment, and find a resource where nothing was
            // required.
            ProblemResponses.send(context.response(), Problem.notFound("route"));
            return;
        }
        if (!isProtected(path)) {
            context.next();
            return;
        }
        HttpServerRequest request = context.request();
        String requestId = RequestId.of(request.getHeader(RequestId.HEADER));
        context.response().putHeader(RequestId.HEADER, requestId);
        // Until the answer of the database is there, the body waits at the client.
        request.pause();
        onContext(context, identify(context, address(request), requestId))
                .onSuccess(identity -> {
                    uses.used(identity);
                    identity.attach(context);
                    request.resume();
                    context.next();
                })
                .onFailure(failure -> {
                    request.resume();
                    ProblemResponses.send(context.response(), failure);
                });
    }

    private Future<Identity> identify(RoutingContext context, InetAddress address, String requestId) {
        Optional<String> credential = credential(context.request().getHeader(HttpHeaders.AUTHORIZATION));
        if (credential.isEmpty()) {
            return Future.failedFuture(
                    Problem.unauthorized("send an API key in the header Authorization: Bearer pb_…"));
        }
        return tokens.areAccepted() && !credential.get().startsWith(ApiKeys.PREFIX)
                ? tokens.identify(context, address, requestId)
                : keys.identify(credential.get(), address, requestId);
    }

    private void admit(RoutingContext context) {
        Optional<Identity> identity = Identity.of(context);
        if (identity.isEmpty()) {
            context.next();
            return;
        }
        Optional<ProblemException> refusal = refusal(context, identity.get());
        if (refusal.isPresent()) {
            ProblemResponses.send(context.response(), refusal.get());
        } else {
            context.next();
        }
    }

    private Optional<ProblemException> refusal(RoutingContext context, Identity identity) {
        HttpMethod method = context.request().method();
        return switch (Routes.find(method.name(), context.normalizedPath())) {
            case Routes.Match.Unknown() -> Optional.of(Problem.notFound("route"));
            case Routes.Match.OtherMethod() ->
                Optional.of(Problem.methodNotAllowed("this path does not have the method " + method.name()));
            case Routes.Match.Found found -> {
                InetAddress address = address(context.request());
                String requestId = context.response().headers().get(RequestId.HEADER);
                AuthenticatedRequest request = new AuthenticatedRequest(identity, found, address, requestId);
                request.attach(context);
                context.addEndHandler(
                        ended -> request.log(log, refusals, context.response().getStatusCode()));
                yield refusal(identity, found.route().requirement(), address).map(Problem::forbidden);
            }
        };
    }

    private static Optional<String> refusal(Identity identity, Requirement requirement, InetAddress address) {
        if (!identity.mayComeFrom(address)) {
            return Optional.of("this API key may not be used from the address " + address.getHostAddress());
        }
        return switch (requirement) {
            case Requirement.OfOperator() ->
                identity.tenant().isPresent()
                        ? Optional.of("this route is for operators; an API key of a tenant can not call it")
                        : Optional.empty();
            case Requirement.OfTenant(var scope) -> {
                if (identity.tenant().isEmpty()) {
                    yield Optional.of(
                            "an operator key has no tenant, it can only call /v1/admin; use a key of the tenant");
                }
                yield identity.scopes().contains(scope)
                        ? Optional.empty()
                        : Optional.of("this API key lacks the scope " + scope.wireName() + "; use a key that has it");
            }
        };
    }

    private InetAddress address(HttpServerRequest request) {
        // An IPv6 address of a link has its zone behind it.
        String peerAddress = request.connection().remoteAddress().hostAddress().replaceFirst("%.*", "");
        InetAddress peer = IpAddress.parse(peerAddress).orElseThrow();
        return ClientAddress.of(peer, request.headers().getAll("X-Forwarded-For"), trustedProxies);
    }

    private static Optional<String> credential(String authorization) {
        return Optional.ofNullable(authorization)
                .filter(header -> header.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
                .map(header -> header.substring(SCHEME.length()).strip())
                .filter(text -> !text.isEmpty());
    }

    /** The database answers on a context of its pool; the request continues on its own. */
    private static <T> Future<T> onContext(RoutingContext context, Future<T> answer) {
        if (answer.isComplete()) {
            return answer;
        }
        Promise<T> promise = Promise.promise();
        io.vertx.core.Context own = context.vertx().getOrCreateContext();
        answer.onComplete(done -> own.runOnContext(ignored -> promise.handle(done)));
        return promise.future();
    }
}
