package org.postbus.devstack.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.postbus.codec.EventCodec;

/** The events received over one stream of {@code /v1/events} (server-sent events). */
public final class LiveEvents implements AutoCloseable {
    private final Stream<String> lines;
    private final List<LiveEvent> received = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    /** @param data a change event, as on {@code postbus.changes} */
    public record LiveEvent(String id, String type, JsonNode data) {}

    LiveEvents(Stream<String> lines) {
        this.lines = lines;
        Thread.ofVirtual().name("live-events").start(this::read);
    }

    public List<LiveEvent> received() {
        return List.copyOf(received);
    }

    @Override
    public void close() {
        closed = true;
        lines.close();
    }

    /** https://html.spec.whatwg.org/multipage/server-sent-events.html: an empty line ends an event, a colon begins a comment. */
    private void read() {
        StringBuilder data = new StringBuilder();
        String[] idAndType = {"", "message"};
        try {
            lines.forEach(line -> {
                if (line.isEmpty()) {
                    if (!data.isEmpty()) {
                        received.add(new LiveEvent(idAndType[0], idAndType[1], tree(data.toString())));
                    }
                    data.setLength(0);
                    idAndType[1] = "message";
                } else if (line.startsWith("data:")) {
                    data.append(value(line));
                } else if (line.startsWith("id:")) {
                    idAndType[0] = value(line);
                } else if (line.startsWith("event:")) {
                    idAndType[1] = value(line);
                }
            });
        } catch (RuntimeException e) {
            if (!closed) {
                throw e;
            }
        }
    }

    private static String value(String line) {
        String value = line.substring(line.indexOf(':') + 1);
        return value.startsWith(" ") ? value.substring(1) : value;
    }

    private static JsonNode tree(String json) {
        try {
            return EventCodec.mapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an event is not JSON", e);
        }
    }
}
