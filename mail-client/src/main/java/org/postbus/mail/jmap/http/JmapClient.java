package org.postbus.mail.jmap.http;

import com.fasterxml.jackson.databind.node.MissingNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.vertx.MultiHelper;
import io.smallrye.mutiny.vertx.UniHelper;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.logging.Logger;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.codec.EventCodec;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.jmap.codec.JmapCodec;
import org.postbus.mail.jmap.codec.JmapSession;
import org.postbus.mail.jmap.codec.UriTemplates;
import org.postbus.mail.jmap.method.JmapFailures;
import org.postbus.mail.jmap.method.JmapMethod;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.mail.memory.HeldBytes;

/**
 * Calls one JMAP server as one user (RFC 8620). Non-blocking and thread-safe; {@link #close} it. Every failure that a
 * server can cause is a {@link org.postbus.mail.ServerException}.
 */
public final class JmapClient implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(JmapClient.class);

    /** Above this size, in bytes, decoding would block an event loop for too long. */
    private static final int DECODE_INLINE_BYTES_MAX = 64 * 1024;
    /** The session is kept as long as the client. With a hundred shared accounts it has some 200 KB. */
    private static final int SESSION_BYTES_MAX = 1 << 20;
    /** An upper bound, whatever the server allows. */
    private static final int CONCURRENT_REQUESTS_MAX = 8;

    private final JmapHttp http;
    private final URI sessionUrl;
    private final String mailAccountId;
    private final ConcurrencyLimit concurrency;
    private final AtomicReference<String> stateReadFor;
    private volatile JmapSession session;
    private volatile String lastEventId = "";
    private volatile String lastPushState = "";

    private JmapClient(JmapHttp http, URI sessionUrl, String mailAccountId, JmapSession session) {
        this.http = http;
        this.sessionUrl = sessionUrl;
        this.mailAccountId = mailAccountId;
        this.session = session;
        this.stateReadFor = new AtomicReference<>(session.state());
        this.concurrency =
                new ConcurrencyLimit(Math.min(session.limits().maxConcurrentRequests(), CONCURRENT_REQUESTS_MAX));
    }

    /**
     * Reads the session, following redirects. The credential goes only to the session URL's host, its sub-domains and
     * the account's trusted hosts, wherever redirects or the session lead; and over plain HTTP only if the session URL
     * is plain HTTP.
     *
     * @return fails with {@code Rejected("accountNotFound")} if the login has no such account, or none with mail; with
     *     {@code Rejected("host-not-trusted")} if the API is on a host that must not get the credential
     */
    public static Uni<JmapClient> open(
            EgressConnector egress, AccountSettings.Jmap settings, Credential credential, JmapOptions options) {
        URI sessionUrl = settings.sessionUrl();
        return Uni.createFrom().deferred(() -> {
            var http = new JmapHttp(egress, settings, credential, options);
            return readSession(http, sessionUrl)
                    .invoke(session -> http.requireTrust(session.apiUrl()))
                    .map(session -> new JmapClient(http, sessionUrl, mailAccountId(settings, session), session))
                    .onFailure()
                    .invoke(http::close)
                    .onCancellation()
                    .invoke(http::close);
        });
    }

    private static String mailAccountId(AccountSettings.Jmap settings, JmapSession session) {
        Optional<String> asked = settings.accountId();
        return asked.isEmpty()
                ? session.mailAccountId()
                        .orElseThrow(() -> accountNotFound("this login has no mail account on "
                                + settings.sessionUrl().getHost()))
                : asked.filter(session.mailAccountIds()::contains)
                        .orElseThrow(() -> accountNotFound("this login has no mail account " + asked.get() + " on "
                                + settings.sessionUrl().getHost() + "; it has "
                                + (session.mailAccountIds().isEmpty()
                                        ? "none"
                                        : String.join(", ", session.mailAccountIds()))));
    }

    private static ServerException accountNotFound(String text) {
        return new ServerException(new ServerFailure.Rejected("accountNotFound", JmapFailures.cut(text)));
    }

    private static Uni<JmapSession> readSession(JmapHttp http, URI sessionUrl) {
        return readSession(http, sessionUrl, sessionUrl, http.options().redirectsMax());
    }

    /**
     * Until the session has been read, nothing shows that this is a JMAP server: a failure then holds no text of the server, and does not say where
     * it redirects to.
     */
    private static Uni<JmapSession> readSession(JmapHttp http, URI sessionUrl, URI url, int redirectsLeft) {
        boolean trusted = http.trusts(url);
        Uni<HttpAnswer> asked = http.get(url, trusted);
        if (!url.equals(sessionUrl)) {
            asked = asked.onFailure(JmapClient::isUnreachable)
                    .transform(failure -> new ServerException(
                            new ServerFailure.Unreachable(sessionUrl.getHost()
                                    + " redirects to a server that is not allowed or can not be reached"),
                            failure));
        }
        return asked.chain(answer -> {
            int status = answer.status();
            if (status == 200 && answer.body().length() > SESSION_BYTES_MAX) {
                return failed(new ServerFailure.LimitExceeded(
                        url.getHost() + " answers with a session of more than " + SESSION_BYTES_MAX + " bytes"));
            }
            if (status == 200) {
                return Uni.createFrom().item(JmapSession.read(answer.json(sessionUrl.getHost()), url));
            }
            Optional<String> location = answer.header(HttpHeaders.LOCATION);
            if (status >= 300 && status < 400 && location.isPresent()) {
                return redirectsLeft == 0
                        ? failed(new ServerFailure.Rejected(
                                "too-many-redirects",
                                sessionUrl + " redirects more than "
                                        + http.options().redirectsMax() + " times"))
                        : readSession(http, sessionUrl, resolve(url, location.get()), redirectsLeft - 1);
            }
            if (status == 401 && !trusted) {
                return failed(new ServerFailure.AuthRejected(sessionUrl.getHost()
                        + " redirects to another host, which must not get the credential: to allow it, use the address that it redirects to"
                        + " as session URL or name that host in jmap.trustedHosts"));
            }
            return failed(HttpFailures.ofStatus(
                    status, answer.header(HttpHeaders.RETRY_AFTER), MissingNode.getInstance(), Instant.now()));
        });
    }

    private static boolean isUnreachable(Throwable failure) {
        return failure instanceof ServerException known && known.failure() instanceof ServerFailure.Unreachable;
    }

    static URI resolve(URI url, String location) {
        try {
            return url.resolve(location);
        } catch (IllegalArgumentException notAUrl) {
            throw new ServerException(
                    new ServerFailure.Unreachable("the server redirects to something that is no address"));
        }
    }

    /** As last read; it is read again when a response says that it changed. */
    public JmapSession session() {
        return session;
    }

    /** The account of this client: the one that it was opened for, else the primary one for mail. */
    public String mailAccountId() {
        return mailAccountId;
    }

    public <R> Uni<R> call(JmapMethod<R> method) {
        var request = new JmapRequest();
        var call = request.add(method);
        return send(request).map(results -> results.get(call));
    }

    /** The same; the result counts as held until it is closed. */
    public <R> Uni<Held<R>> callHeld(JmapMethod<R> method) {
        var request = new JmapRequest();
        var call = request.add(method);
        return sendHeld(request).map(held -> {
            try {
                return new Held<>(held.result().get(call), held.share());
            } catch (ServerException failed) {
                held.close();
                throw failed;
            }
        });
    }

    /**
     * A result that counts as held in memory until it is closed, or until its client is.
     *
     * @param share belongs to this object
     */
    public record Held<R>(R result, HeldBytes.Share share) implements AutoCloseable {
        @Override
        public void close() {
            share.close();
        }
    }

    /**
     * Counts what the caller keeps of what this server sent. Counted until it is closed, or until the client is.
     */
    public HeldBytes.Share keeping() {
        return http.held().share();
    }

    /**
     * Sends all calls in one HTTP request, after waiting for a permit if {@code maxConcurrentRequests} are in
     * progress.
     *
     * @return the results of the calls; it fails if the request as a whole failed. If it contains a set and the answer
     *     is lost, the failure is {@link ServerFailure.OutcomeUnknown}
     */
    public Uni<JmapResults> send(JmapRequest request) {
        return sendHeld(request).map(held -> {
            held.close();
            return held.result();
        });
    }

    /** The same; the results count as held until they are closed. */
    public Uni<Held<JmapResults>> sendHeld(JmapRequest request) {
        return Uni.createFrom().deferred(() -> {
            http.held().requireNotEnded();
            JmapSession.Limits limits = session.limits();
            Buffer json = Buffer.buffer(EventCodec.encode(JmapCodec.write(request, mailAccountId())));
            if (request.calls().size() > limits.maxCallsInRequest()) {
                return failed(new ServerFailure.Rejected(
                        "limit:maxCallsInRequest", request.calls().size() + " calls in one request"));
            }
            if (json.length() > limits.maxSizeRequest()) {
                return failed(
                        new ServerFailure.Rejected("limit:maxSizeRequest", "a request of " + json.length() + " bytes"));
            }
            boolean changesSomething = request.changesSomething();
            return concurrency
                    .run(() -> http.post(session.apiUrl(), json, changesSomething)
                            .chain(answer -> decode(request, answer, changesSomething)))
                    .invoke(held -> readSessionIfChanged(held.result().sessionState()));
        });
    }

    private Uni<Held<JmapResults>> decode(JmapRequest request, HttpAnswer answer, boolean changesSomething) {
        if (answer.status() / 100 != 2) {
            ServerFailure failure = answer.failure(Instant.now());
            return failed(changesSomething ? lostIfUnreachable(failure) : failure);
        }
        Uni<Held<JmapResults>> results = answer.body().length() <= DECODE_INLINE_BYTES_MAX
                ? Uni.createFrom().item(() -> decode(request, answer))
                : UniHelper.toUni(http.vertx().executeBlocking(() -> decode(request, answer), false));
        return changesSomething
                ? results.onFailure(ServerException.class)
                        .transform(failure ->
                                new ServerException(lostIfUnreachable(((ServerException) failure).failure()), failure))
                : results;
    }

    private Held<JmapResults> decode(JmapRequest request, HttpAnswer answer) {
        HeldBytes.Share share = http.held().share();
        try {
            share.set(answer.bytesToRead());
            http.held().requireNotEnded();
            JmapResults results = JmapCodec.read(request, answer.checkedJson());
            // The text and its tree are garbage from here on; the strings are not.
            share.set(2L * answer.body().length());
            return new Held<>(results, share);
        } catch (RuntimeException failed) {
            share.close();
            throw failed;
        }
    }

    /** The server has received the request: whether it failed before or after the work is unknown. */
    private static ServerFailure lostIfUnreachable(ServerFailure failure) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) -> new ServerFailure.OutcomeUnknown(text);
            case ServerFailure.LimitExceeded(var text) -> new ServerFailure.OutcomeUnknown(text);
            case ServerFailure.Throttled throttled -> throttled;
            case ServerFailure.AuthRejected refused -> refused;
            case ServerFailure.CursorLost lost -> lost;
            case ServerFailure.Conflict conflict -> conflict;
            case ServerFailure.Rejected rejected -> rejected;
            case ServerFailure.OutcomeUnknown unknown -> unknown;
        };
    }

    /** Once for each state that a response names: some servers name a different state in the session. */
    private void readSessionIfChanged(String state) {
        String readFor = stateReadFor.get();
        if (state.isEmpty()
                || state.length() > JmapSession.STATE_LENGTH_MAX
                || state.equals(session.state())
                || state.equals(readFor)
                || !stateReadFor.compareAndSet(readFor, state)) {
            return;
        }
        readSession(http, sessionUrl)
                .subscribe()
                .with(
                        changed -> {
                            if (changed.mailAccountIds().contains(mailAccountId)) {
                                session = changed;
                            }
                        },
                        failure -> LOG.infof(
                                "%s: the session has changed but could not be read again: %s",
                                sessionUrl.getHost(), failure.getMessage()));
    }

    /**
     * Uploads a blob (RFC 8620 section 6.1). The server soon deletes one that nothing refers to.
     *
     * @return its blobId; fails with {@code Rejected("tooLarge")} if it has more than {@code maxSizeUpload} bytes
     */
    public Uni<String> upload(Buffer content, String type) {
        return Uni.createFrom().deferred(() -> {
            Optional<String> template = session.uploadUrl();
            if (template.isEmpty()) {
                return failed(new ServerFailure.Rejected("upload-not-offered", "the session has no uploadUrl"));
            }
            long bytesMax = session.limits().maxSizeUpload();
            if (content.length() > bytesMax) {
                return failed(new ServerFailure.Rejected(
                        "tooLarge", content.length() + " bytes; the server takes " + bytesMax + " at most"));
            }
            URI url = URI.create(UriTemplates.expand(template.get(), Map.of("accountId", mailAccountId())));
            return http.upload(url, content, type).map(answer -> {
                if (answer.status() / 100 != 2) {
                    throw new ServerException(answer.failure(Instant.now()));
                }
                return JmapCodec.blobId(answer.json());
            });
        });
    }

    /**
     * Opens a blob for reading.
     *
     * @param name the file name to suggest to the server
     * @param type the media type that the server should answer with
     * @param bytesMax {@code content} fails when more arrives
     * @return fails with {@code Rejected("blobNotFound")} if the server no longer has it: read the email again for a
     *     new blobId
     */
    public Uni<JmapBlob> download(String blobId, String name, String type, long bytesMax) {
        Optional<String> template = session.downloadUrl();
        if (template.isEmpty()) {
            return failed(new ServerFailure.Rejected("download-not-offered", "the session has no downloadUrl"));
        }
        URI url = URI.create(UriTemplates.expand(
                template.get(), Map.of("accountId", mailAccountId(), "blobId", blobId, "name", name, "type", type)));
        return UniHelper.toUni(http.open(url, "*/*", Optional.of(http.options().requestTimeout())))
                .map(open -> {
                    int status = open.response().statusCode();
                    if (status != 200) {
                        open.discard();
                        throw new ServerException(
                                status == 403 || status == 404 || status == 410
                                        ? new ServerFailure.Rejected("blobNotFound", "HTTP " + status)
                                        : HttpFailures.ofStatus(
                                                status,
                                                Optional.ofNullable(
                                                        open.response().getHeader(HttpHeaders.RETRY_AFTER)),
                                                MissingNode.getInstance(),
                                                Instant.now()));
                    }
                    return new JmapBlob(size(open.response()), content(url, open, bytesMax));
                });
    }

    private static Optional<Long> size(HttpClientResponse response) {
        String length = response.getHeader(HttpHeaders.CONTENT_LENGTH);
        try {
            return length == null || response.getHeader(HttpHeaders.CONTENT_ENCODING) != null
                    ? Optional.empty()
                    : Optional.of(Long.parseLong(length));
        } catch (NumberFormatException notALength) {
            return Optional.empty();
        }
    }

    private static Multi<Buffer> content(URI url, JmapHttp.OpenResponse open, long bytesMax) {
        var bytes = new AtomicLong();
        return MultiHelper.toMulti(open.response())
                .invoke(chunk -> {
                    if (bytes.addAndGet(chunk.length()) > bytesMax) {
                        throw new ServerException(new ServerFailure.Rejected(
                                "answer-too-large", "a blob of more than " + bytesMax + " bytes"));
                    }
                })
                .onFailure(failure -> !(failure instanceof ServerException))
                .transform(failure -> JmapHttp.unreachable(url, failure))
                .onFailure()
                .invoke(() -> open.request().reset())
                .onCancellation()
                .invoke(() -> open.request().reset());
    }

    /** Cuts a list into pieces that fit {@link JmapSession.Limits}, in order. */
    public static <T> List<List<T>> chunks(List<T> list, int sizeMax) {
        List<List<T>> chunks = new ArrayList<>();
        for (int from = 0; from < list.size(); from += sizeMax) {
            chunks.add(List.copyOf(list.subList(from, Math.min(list.size(), from + sizeMax))));
        }
        return chunks;
    }

    /** Of the event source; empty if it has named none yet. */
    public String lastEventId() {
        return lastEventId;
    }

    public void sawEvent(String id) {
        if (!id.isEmpty()) {
            lastEventId = id;
        }
    }

    /** Of the WebSocket; empty if it has named none yet. */
    public String lastPushState() {
        return lastPushState;
    }

    public void sawPushState(String state) {
        if (!state.isEmpty()) {
            lastPushState = state;
        }
    }

    public JmapHttp http() {
        return http;
    }

    private static <T> Uni<T> failed(ServerFailure failure) {
        return Uni.createFrom().failure(new ServerException(failure));
    }

    @Override
    public void close() {
        http.close();
    }
}
