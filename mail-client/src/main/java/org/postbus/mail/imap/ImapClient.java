package org.postbus.mail.imap;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import org.postbus.account.Secret;
import org.postbus.account.ServerAddress;

/** Opens connections. One per process: it holds the TLS context that all of them share. */
public final class ImapClient {

    public ImapClient(Vertx vertx, ImapOptions options) {}

    /**
     * Connects and logs in: TLS, greeting, STARTTLS if so set, CAPABILITY, AUTHENTICATE PLAIN or LOGIN, CAPABILITY again, ID,
     * ENABLE. Cancelling it closes the socket.
     *
     * <p>Fails with {@code Unreachable} (no connection, certificate not for this host, STARTTLS not offered), {@code
     * AuthRejected} or {@code Throttled} (also for too many connections, however the server words it).
     */
    public Uni<ImapConnection> open(ServerAddress address, String username, Secret password) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Closes every connection that is still open. */
    public Uni<Void> close() {
        throw new UnsupportedOperationException("not built yet");
    }
}
