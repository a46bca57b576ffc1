package org.postbus.mail.jmap.codec;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * A JMAP session resource (RFC 8620 section 2), read leniently: servers omit what the RFC requires and send relative
 * URLs. Only {@code apiUrl} has no default.
 *
 * @param url where the session was found, after redirects; the other URLs are resolved against it
 * @param capabilities the names of the server's capabilities, such as {@code urn:ietf:params:jmap:mail}
 * @param mailAccountId the primary account for mail; else the first one that offers mail
 * @param mailAccountIds all accounts that offer mail, including those that other users share with this login
 * @param downloadUrl a URI template, level 1 (RFC 6570), made absolute
 * @param uploadUrl a URI template
 * @param eventSourceUrl a URI template; empty if the server offers no event source
 * @param webSocketUrl for push (RFC 8887); empty if the server offers no push over a WebSocket
 * @param state changes when anything else here changes; every API response carries the current one
 */
public record JmapSession(
        URI url,
        Set<String> capabilities,
        Optional<String> mailAccountId,
        Set<String> mailAccountIds,
        URI apiUrl,
        Optional<String> downloadUrl,
        Optional<String> uploadUrl,
        Optional<String> eventSourceUrl,
        Optional<URI> webSocketUrl,
        String state,
        Limits limits) {
    public static final String CORE = "urn:ietf:params:jmap:core";
    public static final String MAIL = "urn:ietf:params:jmap:mail";
    public static final String WEBSOCKET = "urn:ietf:params:jmap:websocket";
    public static final String SUBMISSION = "urn:ietf:params:jmap:submission";

    /** A longer state of the session is not compared. */
    public static final int STATE_LENGTH_MAX = 1000;
    /** Of URLs, capabilities and ids together, which are kept as long as the client. */
    private static final int KEPT_LENGTH_MAX = 64 * 1024;

    public JmapSession {
        Objects.requireNonNull(url);
        capabilities = Set.copyOf(capabilities);
        Objects.requireNonNull(mailAccountId);
        mailAccountIds = Collections.unmodifiableSortedSet(new TreeSet<>(mailAccountIds));
        Objects.requireNonNull(apiUrl);
        Objects.requireNonNull(downloadUrl);
        Objects.requireNonNull(uploadUrl);
        Objects.requireNonNull(eventSourceUrl);
        Objects.requireNonNull(webSocketUrl);
        Objects.requireNonNull(state);
        Objects.requireNonNull(limits);
    }

    /**
     * The core capability's limits (RFC 8620 section 2). Where the server names none, what the common servers use.
     *
     * @param maxSizeRequest in bytes
     * @param maxSizeUpload in bytes
     */
    public record Limits(
            int maxCallsInRequest,
            int maxObjectsInGet,
            int maxObjectsInSet,
            int maxConcurrentRequests,
            int maxSizeRequest,
            long maxSizeUpload) {
        public static final Limits DEFAULTS = new Limits(16, 500, 500, 4, 10_000_000, 50_000_000);

        static Limits read(JsonNode core) {
            return new Limits(
                    limit(core, "maxCallsInRequest", DEFAULTS.maxCallsInRequest),
                    limit(core, "maxObjectsInGet", DEFAULTS.maxObjectsInGet),
                    limit(core, "maxObjectsInSet", DEFAULTS.maxObjectsInSet),
                    limit(core, "maxConcurrentRequests", DEFAULTS.maxConcurrentRequests),
                    limit(core, "maxSizeRequest", DEFAULTS.maxSizeRequest),
                    limit(core, "maxSizeUpload", (int) DEFAULTS.maxSizeUpload));
        }

        /** A limit of zero or less would forbid everything: it is treated as missing. */
        private static int limit(JsonNode core, String name, int otherwise) {
            JsonNode value = core.path(name);
            long limit = value.isNumber() ? value.asLong() : 0;
            return limit < 1 ? otherwise : (int) Math.min(limit, Integer.MAX_VALUE);
        }
    }

    /**
     * @param url the URL that answered, after redirects
     * @throws ServerException {@link ServerFailure.Unreachable} if this is no JMAP session, {@link ServerFailure.LimitExceeded} if its URLs,
     *     capabilities and account ids have more than 64 KiB
     */
    public static JmapSession read(JsonNode session, URI url) {
        String api = text(session, "apiUrl")
                .orElseThrow(() -> new ServerException(
                        new ServerFailure.Unreachable("what the server answers is not a JMAP session: no apiUrl")));
        JsonNode capabilities = session.path("capabilities");
        Set<String> names = new TreeSet<>();
        capabilities.fieldNames().forEachRemaining(names::add);
        Set<String> offerMail = offerMail(session);
        Optional<String> primary = text(session.path("primaryAccounts"), MAIL)
                .or(() -> offerMail.stream().findFirst());
        primary.ifPresent(offerMail::add);
        long kept = Stream.of(
                        names.stream(),
                        offerMail.stream(),
                        Stream.of("downloadUrl", "uploadUrl", "eventSourceUrl", "state")
                                .flatMap(name -> text(session, name).stream()),
                        Stream.of(api),
                        text(capabilities.path(WEBSOCKET), "url").stream())
                .flatMap(texts -> texts)
                .mapToLong(String::length)
                .sum();
        if (kept > KEPT_LENGTH_MAX) {
            throw new ServerException(new ServerFailure.LimitExceeded(
                    "the JMAP session has more than " + KEPT_LENGTH_MAX + " characters of URLs, capabilities and ids"));
        }
        return new JmapSession(
                url,
                names,
                primary,
                offerMail,
                uri(resolve(url, api)),
                text(session, "downloadUrl").map(template -> resolve(url, template)),
                text(session, "uploadUrl").map(template -> resolve(url, template)),
                text(session, "eventSourceUrl").map(template -> resolve(url, template)),
                webSocket(capabilities.path(WEBSOCKET), url),
                text(session, "state").orElse(""),
                Limits.read(capabilities.path(CORE)));
    }

    /** RFC 8887 section 3. An invalid address is treated as missing. */
    private static Optional<URI> webSocket(JsonNode capability, URI base) {
        if (!capability.path("supportsPush").asBoolean(false)) {
            return Optional.empty();
        }
        try {
            return text(capability, "url")
                    .map(url -> URI.create(resolve(base, url).replaceFirst("(?i)^http", "ws")))
                    .filter(url -> url.getHost() != null);
        } catch (IllegalArgumentException notAUrl) {
            return Optional.empty();
        }
    }

    /** In the server's order. A single account is assumed to have mail, whatever the server says about it. */
    private static Set<String> offerMail(JsonNode session) {
        JsonNode accounts = session.path("accounts");
        Set<String> ids = new LinkedHashSet<>();
        accounts.fields().forEachRemaining(account -> {
            if (accounts.size() == 1
                    || account.getValue().path("accountCapabilities").has(MAIL)) {
                ids.add(account.getKey());
            }
        });
        return ids;
    }

    private static Optional<String> text(JsonNode node, String name) {
        JsonNode value = node.path(name);
        return value.isTextual() && !value.textValue().isBlank()
                ? Optional.of(value.textValue().strip())
                : Optional.empty();
    }

    private static URI uri(String url) {
        try {
            return URI.create(url);
        } catch (IllegalArgumentException notAUrl) {
            throw new ServerException(new ServerFailure.Unreachable("the session's apiUrl is no address"));
        }
    }

    private static String resolve(URI base, String template) {
        return UriTemplates.resolve(base, template);
    }
}
