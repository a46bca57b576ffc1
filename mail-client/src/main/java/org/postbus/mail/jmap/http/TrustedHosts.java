package org.postbus.mail.jmap.http;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.postbus.account.AccountSettings;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapFailures;

/**
 * The hosts that get an account's credential: the host of its session URL, the hosts that its settings add, and known
 * blob hosts of providers; all with their sub-domains. Other sub-domains of the same domain do not get it: a name does
 * not show whether a domain has one owner ({@code example.com}) or many ({@code co.uk}).
 *
 * @param names in lower case
 */
record TrustedHosts(List<String> names) {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} for a host that must not get the credential. */
    static final String NOT_TRUSTED = "host-not-trusted";

    /** Session host to another domain of the same provider, which its sessions name. */
    private static final Map<String, String> OF_PROVIDERS = Map.of("api.fastmail.com", "fastmailusercontent.com");

    TrustedHosts {
        names = List.copyOf(names);
    }

    static TrustedHosts of(AccountSettings.Jmap settings) {
        String host = lowerCase(settings.sessionUrl());
        return new TrustedHosts(Stream.of(
                        Stream.of(host),
                        Stream.ofNullable(OF_PROVIDERS.get(host)),
                        settings.trustedHosts().stream().map(name -> name.toLowerCase(Locale.ROOT)))
                .flatMap(all -> all)
                .toList());
    }

    boolean trusts(URI url) {
        String host = lowerCase(url);
        return names.stream().anyMatch(name -> host.equals(name) || name.contains(".") && host.endsWith("." + name));
    }

    /** Why the host must not get the credential, and what to do about it; empty if it may. */
    Optional<ServerFailure> refusal(URI url) {
        return trusts(url)
                ? Optional.empty()
                : Optional.of(new ServerFailure.Rejected(
                        NOT_TRUSTED,
                        JmapFailures.cut(names.getFirst() + " sends us to " + lowerCase(url)
                                + ", which must not get the credential: to allow it, name it in jmap.trustedHosts")));
    }

    private static String lowerCase(URI url) {
        return url.getHost() == null ? "" : url.getHost().toLowerCase(Locale.ROOT);
    }
}
