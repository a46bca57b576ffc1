package org.postbus.mail.smtp;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetSocket;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/** Closes the socket when a reply is too long ({@link ReplyLimits}). Used on the socket's event loop. */
final class LimitedReplies {
    private final NetSocket socket;
    private final ReplyLimits limits = new ReplyLimits();
    private Handler<Throwable> failed = failure -> {};
    private boolean over;

    LimitedReplies(NetSocket socket) {
        this.socket = socket;
    }

    /** @param failed may be null */
    void failuresTo(Handler<Throwable> failed) {
        this.failed = failed == null ? failure -> {} : failed;
    }

    /** A handler that passes on what is within the limits. */
    Handler<Buffer> before(Handler<Buffer> handler) {
        return octets -> {
            Optional<String> exceeded = over ? Optional.empty() : limits.exceededBy(octets.getBytes());
            if (exceeded.isPresent()) {
                over = true;
                failed.handle(new ServerException(
                        new ServerFailure.LimitExceeded("the server exceeded a limit: " + exceeded.get())));
                socket.close();
            } else if (!over) {
                handler.handle(octets);
            }
        };
    }
}
