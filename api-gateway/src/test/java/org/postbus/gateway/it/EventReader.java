package org.postbus.gateway.it;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.postbus.codec.EventCodec;

/** Reads server-sent events as a browser does (HTML Living Standard section 9.2.6). */
final class EventReader implements AutoCloseable {
    record Event(String id, String type, JsonNode data) {
        long seq() {
            return data.get("seq").asLong();
        }
    }

    private final InputStream body;
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private volatile boolean ended;

    private EventReader(InputStream body) {
        this.body = body;
    }

    static EventReader open(ApiCaller api, String path, Optional<String> lastEventId)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = api.request(path);
        lastEventId.ifPresent(id -> request.header("Last-Event-ID", id));
        HttpResponse<InputStream> response =
                api.http().send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        if (response.statusCode() != 200) {
            throw new AssertionError("HTTP " + response.statusCode());
        }
        EventReader reader = new EventReader(response.body());
        Thread.startVirtualThread(reader::read);
        return reader;
    }

    /** Without the {@code ready} at the beginning of every stream. */
    List<Event> changes() {
        return events.stream().filter(event -> !event.type().equals("ready")).toList();
    }

    List<Event> all() {
        return List.copyOf(events);
    }

    String lastId() {
        return events.getLast().id();
    }

    /** Whether the server, or the test, ended the stream. */
    boolean isEnded() {
        return ended;
    }

    @Override
    public void close() throws IOException {
        body.close();
    }

    private void read() {
        String id = "";
        String type = "message";
        List<String> data = new ArrayList<>();
        BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isEmpty()) {
                    if (!data.isEmpty()) {
                        events.add(new Event(id, type, EventCodec.decode(String.join("\n", data), JsonNode.class)));
                    }
                    type = "message";
                    data.clear();
                } else if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("event: ")) {
                    type = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    data.add(line.substring(6));
                }
            }
        } catch (IOException e) {
            // The test closed the connection, or stopped the gateway.
        } finally {
            ended = true;
        }
    }
}
