package org.postbus.mail.egress;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailConfig;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.postbus.account.ServerAddress;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * Opens every connection to a host that a tenant, a DNS record, a redirect or a mail server named. One per process, thread-safe. For each
 * connection it
 *
 * <ol>
 *   <li>looks the name up, once, for at most 5 s and never on an event loop;
 *   <li>judges the port and every address by the {@link EgressPolicy}: if one address is refused, so is the connection;
 *   <li>connects to an address that it judged. With several it starts with the next one after 250 ms (RFC 8305).
 * </ol>
 *
 * A refused connection fails with {@link ServerFailure.Unreachable}: the policy or the name's addresses may change.
 */
public final class EgressConnector {
    static final Duration LOOKUP_MAX = Duration.ofSeconds(5);
    /** Of a name's addresses, this many are tried. All are judged. */
    private static final int ADDRESSES_MAX = 6;

    private static final Duration PROBE_MAX = Duration.ofSeconds(5);

    private static final AtomicLong NUMBERS = new AtomicLong();

    private final VertxInternal vertx;
    private final EgressPolicy policy;
    private final BoundedLookups lookups;
    private final PreferredRoutes preferred;
    private final long number = NUMBERS.incrementAndGet();

    /** @param names the addresses of a name, in lower case and without a dot at the end; empty if it has none. Must not block */
    public EgressConnector(Vertx vertx, EgressPolicy policy, Function<String, Future<List<InetAddress>>> names) {
        this.vertx = (VertxInternal) vertx;
        this.policy = policy;
        this.lookups = new BoundedLookups(this.vertx, names, LOOKUP_MAX);
        this.preferred = new PreferredRoutes(
                this.vertx, sockets(new NetClientOptions().setConnectTimeout((int) PROBE_MAX.toMillis())));
    }

    /** Uses the hosts file and the name servers of this machine. */
    public static EgressConnector of(Vertx vertx, EgressPolicy policy) {
        return new EgressConnector(vertx, policy, new DnsNames((VertxInternal) vertx));
    }

    public Vertx vertx() {
        return vertx;
    }

    /** Names this connector's pools. */
    long number() {
        return number;
    }

    /**
     * What the policy has against a connection, without opening one. Every connection is judged again when it is opened.
     *
     * @param plain whether there will be no TLS on it
     * @return empty if it is allowed; fails with {@link ServerFailure.Unreachable} if the name servers do not answer
     */
    public Future<Set<EgressRefusal>> check(String host, int port, boolean plain) {
        return addresses(host).map(addresses -> {
            Set<EgressRefusal> refusals = policy.refusals(port, plain);
            addresses.forEach(address -> refusals.addAll(policy.refusals(address, port, plain)));
            if (addresses.isEmpty()) {
                refusals.add(withoutAddress(host));
            }
            return refusals;
        });
    }

    private static EgressRefusal withoutAddress(String host) {
        return HostName.parse(host).isEmpty() ? EgressRefusal.HOST : EgressRefusal.ADDRESS;
    }

    /** For IMAP and for other protocols with a socket of their own. @param options TLS and time limits; no proxy */
    public EgressSockets sockets(NetClientOptions options) {
        return new EgressSockets(this, vertx, options);
    }

    /** For HTTP. Clients of one connector with the same limit share their connections. */
    public EgressHttp http(Duration connectTimeout) {
        return new EgressHttp(this, connectTimeout);
    }

    /**
     * For SMTP.
     *
     * @param config its host and port are replaced by those of the server
     * @param pool clients with the same name share connections
     * @param greeted completes when a new socket may be given to the client; called on the socket's context, at once
     */
    public MailClient mail(
            ServerAddress server, MailConfig config, String pool, Function<NetSocket, Future<NetSocket>> greeted) {
        return MailClient.createShared(
                new LeadingVertx(vertx, this, server, greeted),
                config.setHostname(server.host()).setPort(server.port()),
                pool);
    }

    /**
     * The route for a protocol that connects by itself, such as a pool of HTTP connections. Of several addresses it is the one to which a
     * connection is open first, for some minutes.
     */
    Future<Route> route(String host, int port, boolean plain) {
        return routes(host, port, plain)
                .compose(routes -> routes.size() == 1
                        ? Future.succeededFuture(routes.getFirst())
                        : preferred.of(host + ":" + port, routes));
    }

    /** The route did not lead to a connection: the next request tries the addresses again. */
    void forgetRoute(String host, int port) {
        preferred.forget(host + ":" + port);
    }

    /** At least one; the order in which to try them. */
    Future<List<Route>> routes(String host, int port, boolean plain) {
        Set<EgressRefusal> early = policy.refusals(port, plain);
        return early.isEmpty()
                ? addresses(host).compose(addresses -> routes(host, addresses, port, plain))
                : refused(early.iterator().next());
    }

    private Future<List<Route>> routes(String host, List<InetAddress> addresses, int port, boolean plain) {
        if (addresses.isEmpty()) {
            return refused(withoutAddress(host));
        }
        String name = nameOf(host);
        List<Future<Route>> routes = new ArrayList<>();
        for (InetAddress address : AddressOrder.of(addresses)) {
            Set<EgressRefusal> refusals = policy.refusals(address, port, plain);
            if (!refusals.isEmpty()) {
                return refused(refusals.iterator().next());
            }
            PinnedAddress pinned = new PinnedAddress(name, address, port);
            routes.add(policy.proxyTo(address)
                    .map(proxy -> options(proxy).map(options -> new Route(pinned, Optional.of(options))))
                    .orElseGet(() -> Future.succeededFuture(new Route(pinned, Optional.empty()))));
        }
        return Future.all(routes.subList(0, Math.min(routes.size(), ADDRESSES_MAX)))
                .map(all -> all.<Route>list());
    }

    private Future<List<InetAddress>> addresses(String host) {
        Optional<HostName> parsed = HostName.parse(host);
        if (parsed.isEmpty()) {
            return Future.succeededFuture(List.of());
        }
        return switch (parsed.get()) {
            case HostName.Literal(var address) -> Future.succeededFuture(List.of(address));
            case HostName.Name(var ascii) -> lookups.of(ascii).recover(EgressConnector::unresolved);
        };
    }

    private static String nameOf(String host) {
        return switch (HostName.parse(host).orElseThrow()) {
            case HostName.Literal(var address) -> address.getHostAddress();
            case HostName.Name(var ascii) -> ascii;
        };
    }

    /** The proxy is the operator's: its address is not judged. */
    private Future<ProxyOptions> options(EgressProxy proxy) {
        return addresses(proxy.host()).compose(addresses -> {
            if (addresses.isEmpty()) {
                return Future.failedFuture(new ServerException(
                        new ServerFailure.Unreachable("the operator's egress proxy can not be reached")));
            }
            ProxyOptions options = new ProxyOptions()
                    .setType(
                            switch (proxy.kind()) {
                                case HTTP_CONNECT -> ProxyType.HTTP;
                                case SOCKS5 -> ProxyType.SOCKS5;
                            })
                    // Not the name: Vert.x would resolve it again, on an event loop.
                    .setHost(AddressOrder.of(addresses).getLast().getHostAddress())
                    .setPort(proxy.port());
            proxy.login()
                    .ifPresent(login -> options.setUsername(login.username())
                            .setPassword(login.password().reveal()));
            return Future.succeededFuture(options);
        });
    }

    private static <T> Future<T> refused(EgressRefusal why) {
        return Future.failedFuture(new ServerException(new ServerFailure.Unreachable(why.text())));
    }

    private static <T> Future<T> unresolved(Throwable cause) {
        return Future.failedFuture(new ServerException(
                new ServerFailure.Unreachable(
                        "the name of the host could not be resolved: the name servers do not answer"),
                cause));
    }
}
