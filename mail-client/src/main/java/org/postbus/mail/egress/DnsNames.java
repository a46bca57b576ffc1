package org.postbus.mail.egress;

import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsErrorCauseException;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.impl.VertxInternal;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.function.Function;

/**
 * The hosts file and DNS, with netty's resolver: Quarkus makes Vert.x use the JDK's, which blocks the event loop for as long as a name server
 * does not answer. All addresses of both families are returned. An empty list means that the name has no address; a failure means that the
 * name servers did not say.
 */
final class DnsNames implements Function<String, Future<List<InetAddress>>> {
    /** Each of up to three name servers is asked once within {@link EgressConnector#LOOKUP_MAX}. */
    private static final int QUERY_MAX_MS = 1500;

    private static final int QUERIES_MAX = 16;
    private static final int CACHED_SECONDS_MAX = 60;
    private static final int NO_ADDRESS_CACHED_SECONDS = 5;
    private static final List<InetAddress> LOOPBACK =
            List.of(address(127, 0, 0, 1), address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

    private final DnsNameResolver resolver;

    DnsNames(VertxInternal vertx) {
        resolver = new DnsNameResolverBuilder(vertx.nettyEventLoopGroup().next())
                .datagramChannelFactory(() -> vertx.transport().datagramChannel())
                .socketChannelFactory(() ->
                        (SocketChannel) vertx.transport().channelFactory(false).newChannel())
                .resolvedAddressTypes(ResolvedAddressTypes.IPV6_PREFERRED)
                .completeOncePreferredResolved(false)
                .queryTimeoutMillis(QUERY_MAX_MS)
                .maxQueriesPerResolve(QUERIES_MAX)
                .ttl(0, CACHED_SECONDS_MAX)
                .negativeTtl(NO_ADDRESS_CACHED_SECONDS)
                .build();
    }

    @Override
    public Future<List<InetAddress>> apply(String name) {
        // RFC 6761 sections 6.3 and 6.4: these are never asked of a name server.
        if (name.equals("localhost") || name.endsWith(".localhost")) {
            return Future.succeededFuture(LOOPBACK);
        }
        if (name.endsWith(".invalid")) {
            return Future.succeededFuture(List.of());
        }
        Promise<List<InetAddress>> found = Promise.promise();
        resolver.resolveAll(name).addListener((io.netty.util.concurrent.Future<List<InetAddress>> lookup) -> {
            if (lookup.isSuccess()) {
                found.complete(lookup.getNow());
            } else if (isWithoutAddress(lookup.cause())) {
                found.complete(List.of());
            } else {
                found.fail(lookup.cause());
            }
        });
        return found.future();
    }

    private static boolean isWithoutAddress(Throwable failure) {
        if (!(failure instanceof UnknownHostException)) {
            return false;
        }
        Throwable cause = failure.getCause();
        if (cause instanceof DnsErrorCauseException answer) {
            return answer.getCode().equals(DnsResponseCode.NXDOMAIN);
        }
        return !(cause instanceof DnsNameResolverException);
    }

    private static InetAddress address(int... octets) {
        byte[] bytes = new byte[octets.length];
        for (int i = 0; i < octets.length; i++) {
            bytes[i] = (byte) octets[i];
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException wrongLength) {
            throw new IllegalStateException(wrongLength);
        }
    }
}
