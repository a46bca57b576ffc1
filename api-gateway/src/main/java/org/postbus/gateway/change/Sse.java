package org.postbus.gateway.change;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;

/** The text of server-sent events (HTML Living Standard section 9.2). JSON on one line is one data field. */
final class Sse {
    /** A comment, which keeps proxies from closing the connection and fails to be written when the client has disconnected. */
    static final String HEARTBEAT = ":\n\n";

    private Sse() {}

    static String event(String id, String type, String data) {
        return "id: " + id + "\nevent: " + type + "\ndata: " + data + "\n\n";
    }

    static void append(Buffer events, String id, LoggedChange change) {
        events.appendString("id: " + id + "\nevent: " + change.type() + "\n");
        // Stored on one line. If it has several, each becomes a data field, and the client joins them.
        for (String line : new String(change.data(), StandardCharsets.UTF_8).split("\r\n|\r|\n")) {
            events.appendString("data: ").appendString(line).appendString("\n");
        }
        events.appendString("\n");
    }
}
