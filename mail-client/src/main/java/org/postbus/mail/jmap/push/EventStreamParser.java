package org.postbus.mail.jmap.push;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;

/**
 * Splits a byte stream into server-sent events (WHATWG HTML section 9.2.6). Lines are split as bytes and then decoded,
 * so a chunk may end anywhere, even inside a character or between CR and LF. Not thread-safe.
 */
final class EventStreamParser {
    /** A StateChange of one account has a few hundred bytes. */
    static final int EVENT_BYTES_MAX = 64 * 1024;
    /** A longer id is not kept: it is sent back in a header. */
    private static final int ID_LENGTH_MAX = 1000;

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final StringBuilder data = new StringBuilder();
    private String type = "";
    private String lastEventId = "";
    private boolean hasData;
    private boolean afterCarriageReturn;
    private boolean firstLine = true;

    /** @param type {@code message} if the server named none */
    record Event(String type, String data) {}

    /**
     * @return the events that this chunk completes
     * @throws ServerException {@link ServerFailure.LimitExceeded} if an event is too long
     */
    List<Event> feed(byte[] chunk) {
        List<Event> events = new ArrayList<>();
        for (byte b : chunk) {
            if (b == '\n' && afterCarriageReturn) {
                afterCarriageReturn = false;
                continue;
            }
            afterCarriageReturn = b == '\r';
            if (b == '\r' || b == '\n') {
                endLine(events);
            } else {
                line.write(b);
                if (line.size() + data.length() > EVENT_BYTES_MAX) {
                    throw new ServerException(new ServerFailure.LimitExceeded(
                            "an event of the event source exceeds " + EVENT_BYTES_MAX + " bytes"));
                }
            }
        }
        return events;
    }

    /** The id of the last event that had one; empty if none had. */
    String lastEventId() {
        return lastEventId;
    }

    private void endLine(List<Event> events) {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (firstLine && text.startsWith("\uFEFF")) {
            text = text.substring(1);
        }
        firstLine = false;
        if (text.isEmpty()) {
            if (hasData) {
                events.add(new Event(type.isEmpty() ? "message" : type, data.toString()));
            }
            type = "";
            data.setLength(0);
            hasData = false;
            return;
        }
        int colon = text.indexOf(':');
        String field = colon < 0 ? text : text.substring(0, colon);
        String value = colon < 0 ? "" : text.substring(colon + 1);
        if (value.startsWith(" ")) {
            value = value.substring(1);
        }
        switch (field) {
            case "event" -> type = value;
            case "data" -> {
                if (hasData) {
                    data.append('\n');
                }
                data.append(value);
                hasData = true;
            }
            case "id" -> {
                // The id is sent back in a header: characters that a header cannot carry make it ignored.
                if (value.length() <= ID_LENGTH_MAX && value.chars().allMatch(c -> c >= ' ' && c <= '~')) {
                    lastEventId = value;
                }
            }
            default -> {
                // A comment, or retry: the caller decides when to connect again.
            }
        }
    }
}
