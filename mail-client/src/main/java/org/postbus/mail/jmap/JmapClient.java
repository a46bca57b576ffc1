package org.postbus.mail.jmap;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.postbus.account.Secret;

/**
 * Talks to one JMAP server as one user (RFC 8620). Non-blocking and thread-safe; {@link #close} it. Every failure that a
 * server can cause is a {@link org.postbus.mail.ServerException}.
 */
public final class JmapClient implements AutoCloseable {
    private JmapClient() {}

    /**
     * Reads the session, following redirects; {@code username} and {@code password} go to the session URL's host alone, and
     * over plain HTTP only if {@code sessionUrl} says so.
     */
    public static Uni<JmapClient> open(
            Vertx vertx, URI sessionUrl, String username, Secret password, JmapOptions options) {
        throw new UnsupportedOperationException();
    }

    /** As last read. */
    public JmapSession session() {
        throw new UnsupportedOperationException();
    }

    /** The account that holds the mail: {@code primaryAccounts}' one. */
    public String mailAccountId() {
        throw new UnsupportedOperationException();
    }

    public <R> Uni<R> call(JmapMethod<R> method) {
        var request = new JmapRequest();
        var call = request.add(method);
        return send(request).map(results -> results.get(call));
    }

    /**
     * Sends all calls in one HTTP request, waiting while {@code maxConcurrentRequests} are under way.
     *
     * @return the results of the single calls; it fails if the request as a whole did
     */
    public Uni<JmapResults> send(JmapRequest request) {
        throw new UnsupportedOperationException();
    }

    /**
     * Opens a blob for reading.
     *
     * @param name what the server should call the file; no more than a hint
     * @param type the media type the server should claim
     * @param bytesMax {@code content} fails when more comes
     */
    public Uni<JmapBlob> download(String blobId, String name, String type, long bytesMax) {
        throw new UnsupportedOperationException();
    }

    /** Cuts a list into pieces that fit {@link JmapSession.Limits}, in order. */
    public static <T> List<List<T>> chunks(List<T> list, int sizeMax) {
        List<List<T>> chunks = new ArrayList<>();
        for (int from = 0; from < list.size(); from += sizeMax) {
            chunks.add(List.copyOf(list.subList(from, Math.min(list.size(), from + sizeMax))));
        }
        return chunks;
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
