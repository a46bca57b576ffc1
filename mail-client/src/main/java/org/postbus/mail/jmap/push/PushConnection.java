package org.postbus.mail.jmap.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiEmitter;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.http.HttpFailures;
import org.postbus.mail.jmap.http.JmapClient;
import org.postbus.mail.jmap.http.JmapHttp;

/** One connection for push, until it breaks, times out or is cancelled. Guarded by itself. */
abstract class PushConnection {
    /** A subscriber that does not take this many is broken. */
    private static final int UNREAD_MAX = 256;

    private static final double SILENCE_IN_PINGS = 2.5;
    private static final long PING_MIN_MS = 100;
    /** Longer ones are not understood, and then the change is asked for all the same. */
    private static final int STATE_LENGTH_MAX = 1000;

    final JmapClient client;
    final List<String> types;
    private final URI url;
    private final MultiEmitter<? super JmapPush> emitter;
    private long watchdog = -1;
    private boolean over;

    /** @param types whose changes are to be reported */
    PushConnection(JmapClient client, URI url, MultiEmitter<? super JmapPush> emitter, List<String> types) {
        this.client = client;
        this.types = types;
        this.url = url;
        this.emitter = emitter;
    }

    /** Connects on subscription and disconnects on cancellation. It never completes: it fails. */
    static Multi<JmapPush> stream(Function<MultiEmitter<? super JmapPush>, PushConnection> connection) {
        return Multi.createFrom()
                .emitter(
                        emitter -> {
                            PushConnection opened = connection.apply(emitter);
                            emitter.onTermination(opened::end);
                            opened.connect(opened.url);
                        },
                        UNREAD_MAX);
    }

    static ServerException notOffered(String text) {
        return new ServerException(new ServerFailure.Rejected(JmapPush.NOT_OFFERED, text));
    }

    /** The failure for any other status than the one that opens the connection. */
    static ServerException refusal(int status, Optional<String> retryAfter) {
        ServerFailure failure = HttpFailures.ofStatus(status, retryAfter, MissingNode.getInstance(), Instant.now());
        boolean never = failure instanceof ServerFailure.Rejected || status == 501 || status / 100 == 2;
        return never ? notOffered("HTTP " + status) : new ServerException(failure);
    }

    abstract void connect(URI url);

    /** Called once or more, perhaps before the connection is open. */
    abstract void disconnect();

    boolean isOver() {
        return over;
    }

    void opened() {
        emitter.emit(new JmapPush.Opened());
    }

    /** The data of an event or a message; pings and unknown messages are ignored. */
    void said(JsonNode data) {
        JsonNode changed = data.path("changed");
        if (!changed.isObject()) {
            return;
        }
        JsonNode own = changed.path(client.mailAccountId());
        if (own.isMissingNode()) {
            return;
        }
        Map<String, String> states = new LinkedHashMap<>();
        for (String type : types) {
            String state = own.path(type).asText("");
            if (!state.isEmpty() && state.length() <= STATE_LENGTH_MAX) {
                states.put(type, state);
            }
        }
        emitter.emit(new JmapPush.StateChange(Map.of(client.mailAccountId(), Map.copyOf(states))));
    }

    /** Something arrived: the time limit of 2.5 pings begins again. */
    synchronized void watch(Duration ping) {
        client.http().vertx().cancelTimer(watchdog);
        if (!over) {
            Duration silence = Duration.ofMillis((long) (Math.max(ping.toMillis(), PING_MIN_MS) * SILENCE_IN_PINGS));
            watchdog = client.http()
                    .vertx()
                    .setTimer(silence.toMillis(), id -> fail("nothing received for " + silence.toMillis() + " ms"));
        }
    }

    /** @param words our own */
    void fail(String words) {
        fail(JmapHttp.unreachable(url, words));
    }

    void fail(Throwable cause) {
        boolean first;
        synchronized (this) {
            first = !over;
        }
        end();
        if (first) {
            emitter.fail(JmapHttp.unreachable(url, cause));
        }
    }

    private synchronized void end() {
        over = true;
        client.http().vertx().cancelTimer(watchdog);
        disconnect();
    }
}
