package org.postbus.gateway.change;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.postbus.gateway.authentication.AuthenticatedRequest;
import org.postbus.gateway.authentication.Identity;
import org.postbus.gateway.authentication.OpenUses;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.ProblemResponses;
import org.postbus.gateway.rest.PathIds;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * {@code GET /v1/events}: opens an {@link EventStream}. A route below the REST framework, because a stream waits for each write to finish,
 * so that a slow client does not fill the memory.
 */
@ApplicationScoped
public class EventsRoute {
    static final String PATH = "/v1/events";

    private final OpenUses uses;
    private final TenantTransactions transactions;
    private final OpenStreams streams;
    private final Counter cutOff;

    EventsRoute(OpenUses uses, TenantTransactions transactions, OpenStreams streams, MeterRegistry metrics) {
        this.uses = uses;
        this.transactions = transactions;
        this.streams = streams;
        this.cutOff = metrics.counter("postbus.gateway.streams.cut-off");
    }

    void register(@Observes Router router) {
        router.route(HttpMethod.GET, PATH).handler(this::open);
    }

    void stop(@Observes ShutdownEvent event) {
        streams.end();
    }

    private void open(RoutingContext request) {
        Future.succeededFuture(AuthenticatedRequest.of(request).identity())
                .compose(identity -> stream(request, identity))
                .onFailure(failure -> ProblemResponses.send(request.response(), failure));
    }

    private Future<Void> stream(RoutingContext request, Identity identity) {
        TenantId tenant = identity.tenant().orElseThrow();
        List<String> named = request.queryParam("accountId");
        Optional<Set<AccountId>> wanted = named.isEmpty()
                ? Optional.empty()
                : Optional.of(named.stream().map(PathIds::account).collect(Collectors.toSet()));
        Optional<StreamPosition> resumed = Optional.ofNullable(request.request().getHeader("Last-Event-ID"))
                .filter(id -> !id.isBlank())
                .map(StreamPosition::parse);
        return transactions
                .future(tenant, connection -> ChangeLog.lastSeqs(connection, wanted, StreamPosition.ACCOUNTS_MAX + 1))
                .map(last -> {
                    begin(request, identity, wanted, start(last, wanted, resumed));
                    return null;
                });
    }

    private static Map<AccountId, Long> start(
            Map<AccountId, Long> last, Optional<Set<AccountId>> wanted, Optional<StreamPosition> resumed) {
        if (last.size() > StreamPosition.ACCOUNTS_MAX) {
            throw Problem.badRequest("a stream can follow " + StreamPosition.ACCOUNTS_MAX
                    + " accounts at most; name some with accountId, which may be given several times");
        }
        if (wanted.isPresent() && !last.keySet().containsAll(wanted.get())) {
            throw Problem.notFound("account");
        }
        return resumed.map(position -> {
                    Map<AccountId, Long> sent = new LinkedHashMap<>();
                    last.keySet().forEach(account -> sent.put(account, position.seqOf(account)));
                    return sent;
                })
                .orElse(last);
    }

    private void begin(
            RoutingContext request, Identity identity, Optional<Set<AccountId>> wanted, Map<AccountId, Long> sent) {
        HttpServerResponse response = request.response();
        OpenUses.Use use = uses.begin(identity);
        EventStream stream = new EventStream(
                transactions,
                identity.tenant().orElseThrow(),
                wanted,
                sent,
                response,
                () -> {
                    cutOff.increment();
                    request.request().connection().close();
                },
                ended -> {
                    streams.remove(ended);
                    use.close();
                });
        streams.add(stream).ifPresent(limit -> {
            throw Problem.tooMany(limit);
        });
        use.whenRevoked(stream::end);
        response.closeHandler(closed -> stream.end());
        response.exceptionHandler(failure -> stream.end());
        response.setChunked(true)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store")
                .putHeader("X-Accel-Buffering", "no");
        stream.start();
    }
}
