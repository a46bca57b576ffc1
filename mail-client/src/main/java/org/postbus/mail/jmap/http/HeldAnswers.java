package org.postbus.mail.jmap.http;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.memory.HeldBytes;

/**
 * What the answers to one client make the process hold. When that is ended, so are the requests in progress, and none is sent
 * any more: the caller opens another client later.
 */
final class HeldAnswers implements AutoCloseable {
    private final HeldBytes.Holder holder;
    private final Set<HttpExchange> inProgress = ConcurrentHashMap.newKeySet();
    private volatile Optional<ServerFailure> ended = Optional.empty();

    HeldAnswers(HeldBytes held) {
        this.holder = held.holder(this::end);
    }

    private void end(String reason) {
        ServerFailure failure = new ServerFailure.Unreachable("disconnected: " + reason);
        ended = Optional.of(failure);
        inProgress.forEach(exchange -> exchange.end(failure));
    }

    HeldBytes.Share share() {
        return holder.share();
    }

    void began(HttpExchange exchange) {
        inProgress.add(exchange);
        ended.ifPresent(exchange::end);
    }

    void isOver(HttpExchange exchange) {
        inProgress.remove(exchange);
    }

    /** @throws ServerException if it was ended */
    void requireNotEnded() {
        ended.ifPresent(failure -> {
            throw new ServerException(failure);
        });
    }

    @Override
    public void close() {
        holder.close();
    }
}
