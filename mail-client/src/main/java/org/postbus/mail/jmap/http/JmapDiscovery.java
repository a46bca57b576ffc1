package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.Vertx;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.SrvRecord;
import io.vertx.core.http.HttpHeaders;
import java.net.IDN;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * Finds the JMAP session resource of a mail domain (RFC 8620 section 2.2): the targets of the SRV records {@code
 * _jmap._tcp} in their order, then the domain itself, each with {@code /.well-known/jmap} over https and at most
 * {@link JmapOptions#redirectsMax} redirects. No credential is sent. A server that does not answer is skipped.
 */
public final class JmapDiscovery {
    private static final String WELL_KNOWN = "/.well-known/jmap";
    private static final int SERVERS_MAX = 4;

    private final Vertx vertx;
    private final DnsClient dns;
    private final String scheme;
    private final Predicate<String> hostAllowed;
    private final JmapOptions options;

    /**
     * @param hostAllowed whether a host may be connected to; called on a worker thread, because it may resolve the
     *     name
     */
    public JmapDiscovery(Vertx vertx, DnsClient dns, Predicate<String> hostAllowed, JmapOptions options) {
        this(vertx, dns, "https", hostAllowed, options);
    }

    /** @param scheme https, except in tests, which have no trusted certificates */
    JmapDiscovery(Vertx vertx, DnsClient dns, String scheme, Predicate<String> hostAllowed, JmapOptions options) {
        this.vertx = vertx;
        this.dns = dns;
        this.scheme = scheme;
        this.hostAllowed = hostAllowed;
        this.options = options;
    }

    /**
     * @param sessionUrl where the redirects ended: it answers with a session or requires a login
     * @param ofTheDomain whether it is a host of the mail domain, or one that such a host redirected to over https. If
     *     not, only an unauthenticated DNS record names it, and a person should decide whether it may get the password
     *     (RFC 6186 section 6)
     */
    public record Found(URI sessionUrl, boolean ofTheDomain) {}

    /** @param domain what follows the {@code @} of a mail address */
    public Uni<Optional<Found>> find(String domain) {
        String name;
        try {
            name = IDN.toASCII(domain.strip(), IDN.USE_STD3_ASCII_RULES).toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException notADomain) {
            return Uni.createFrom().item(Optional.empty());
        }
        return UniHelper.toUni(dns.resolveSRV("_jmap._tcp." + name))
                .onFailure()
                .recoverWithItem(List.of())
                .chain(records -> first(servers(records, name, scheme), name));
    }

    /** RFC 2782, except that records of one priority are ordered by weight instead of drawn at random. */
    static List<URI> servers(List<SrvRecord> records, String domain, String scheme) {
        List<URI> servers = new ArrayList<>();
        records.stream()
                .sorted(Comparator.comparing(SrvRecord::priority)
                        .thenComparing(Comparator.comparing(SrvRecord::weight).reversed()))
                .limit(SERVERS_MAX)
                .forEach(record -> {
                    String host = record.target().replaceFirst("\\.$", "");
                    // A target of "." means that the service does not exist.
                    if (!host.isEmpty()) {
                        servers.add(URI.create(scheme + "://" + host + ":" + record.port() + WELL_KNOWN));
                    }
                });
        servers.add(URI.create(scheme + "://" + domain + WELL_KNOWN));
        return servers;
    }

    private Uni<Optional<Found>> first(List<URI> servers, String domain) {
        if (servers.isEmpty()) {
            return Uni.createFrom().item(Optional.empty());
        }
        URI server = servers.getFirst();
        return ask(server)
                .onFailure(ServerException.class)
                .recoverWithItem(Optional.empty())
                .chain(found -> found.isPresent()
                        ? Uni.createFrom().item(Optional.of(new Found(found.get(), isOf(server.getHost(), domain))))
                        : first(servers.subList(1, servers.size()), domain));
    }

    private static boolean isOf(String host, String domain) {
        return host.equalsIgnoreCase(domain) || host.toLowerCase(Locale.ROOT).endsWith("." + domain);
    }

    private Uni<Optional<URI>> ask(URI server) {
        JmapHttp http = JmapHttp.withoutLogin(vertx, server, options);
        return ask(http, server, options.redirectsMax()).eventually(http::close);
    }

    private Uni<Optional<URI>> ask(JmapHttp http, URI url, int redirectsLeft) {
        return UniHelper.toUni(
                        vertx.executeBlocking(() -> url.getHost() != null && hostAllowed.test(url.getHost()), false))
                .chain(allowed -> allowed ? http.get(url, false) : refused(url))
                .chain(answer -> {
                    int status = answer.status();
                    Optional<String> location = answer.header(HttpHeaders.LOCATION);
                    if (status >= 300 && status < 400 && location.isPresent() && redirectsLeft > 0) {
                        return ask(http, JmapClient.resolve(url, location.get()), redirectsLeft - 1);
                    }
                    boolean session = status == 401
                            || status == 200
                                    && !answer.jsonOrMissing().path("apiUrl").isMissingNode();
                    return Uni.createFrom().item(session ? Optional.of(url) : Optional.<URI>empty());
                });
    }

    private static Uni<HttpAnswer> refused(URI url) {
        return Uni.createFrom()
                .failure(new ServerException(
                        new ServerFailure.Rejected("host-not-allowed", "may not be connected to: " + url.getHost())));
    }
}
