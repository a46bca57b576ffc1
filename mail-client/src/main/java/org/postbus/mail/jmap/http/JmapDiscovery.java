package org.postbus.mail.jmap.http;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.SrvRecord;
import io.vertx.core.http.HttpHeaders;
import java.net.IDN;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.egress.EgressConnector;

/**
 * Finds the JMAP session resource of a mail domain (RFC 8620 section 2.2): the targets of the SRV records {@code
 * _jmap._tcp} in their order, then the domain itself, each with {@code /.well-known/jmap} over https and at most
 * {@link JmapOptions#redirectsMax} redirects. No credential is sent. A server that does not answer is skipped.
 */
public final class JmapDiscovery {
    private static final String WELL_KNOWN = "/.well-known/jmap";
    private static final int SERVERS_MAX = 4;

    private final EgressConnector egress;
    private final DnsClient dns;
    private final String scheme;
    private final JmapOptions options;

    public JmapDiscovery(EgressConnector egress, DnsClient dns, JmapOptions options) {
        this(egress, dns, "https", options);
    }

    /** @param scheme https, except in tests, which have no trusted certificates */
    JmapDiscovery(EgressConnector egress, DnsClient dns, String scheme, JmapOptions options) {
        this.egress = egress;
        this.dns = dns;
        this.scheme = scheme;
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
                        url(scheme + "://" + host + ":" + record.port() + WELL_KNOWN)
                                .ifPresent(servers::add);
                    }
                });
        servers.add(URI.create(scheme + "://" + domain + WELL_KNOWN));
        return servers;
    }

    /** Empty for a target that cannot be a host: whoever runs the domain's name server can write anything. */
    private static Optional<URI> url(String text) {
        try {
            URI url = new URI(text);
            return url.getHost() == null ? Optional.empty() : Optional.of(url);
        } catch (URISyntaxException notAHost) {
            return Optional.empty();
        }
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
        JmapHttp http = JmapHttp.withoutLogin(egress, server, options);
        return ask(http, server, options.redirectsMax()).eventually(http::close);
    }

    private Uni<Optional<URI>> ask(JmapHttp http, URI url, int redirectsLeft) {
        return http.get(url, false).chain(answer -> {
            int status = answer.status();
            Optional<String> location = answer.header(HttpHeaders.LOCATION);
            if (status >= 300 && status < 400 && location.isPresent() && redirectsLeft > 0) {
                return ask(http, JmapClient.resolve(url, location.get()), redirectsLeft - 1);
            }
            boolean session = status == 401
                    || status == 200 && !answer.jsonOrMissing().path("apiUrl").isMissingNode();
            return Uni.createFrom().item(session ? Optional.of(url) : Optional.<URI>empty());
        });
    }
}
