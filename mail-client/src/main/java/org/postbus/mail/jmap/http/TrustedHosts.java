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
 * The hosts that are given an account's credential: that of its session URL, those that its settings add, and where a provider
 * is known to keep its blobs; with their sub-domains. Other sub-domains of the same domain are not: which domains belong to
 * one owner ({@code example.com}) and which do not ({@code co.uk}) a name does not tell.
 *
 * @param names in lower case
 */
record TrustedHosts(List<String> names) {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} that says: the credential does not go there. */
    static final String NOT_TRUSTED = "host-not-trusted";

    /** Session host to another domain of the same provider that its sessions name. */
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

    /** Why the credential does not go there, and what to do; empty if it does. */
    Optional<ServerFailure> refusal(URI url) {
        return trusts(url)
                ? Optional.empty()
                : Optional.of(
                        new ServerFailure.Rejected(
                                NOT_TRUSTED,
                                JmapFailures.cut(
                                        names.getFirst() + " sends us to " + lowerCase(url)
                                                + ", which is not given the credential: if it may have it, name it in jmap.trustedHosts")));
    }

    private static String lowerCase(URI url) {
        return url.getHost() == null ? "" : url.getHost().toLowerCase(Locale.ROOT);
    }
}
