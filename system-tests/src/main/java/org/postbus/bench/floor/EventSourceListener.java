package org.postbus.bench.floor;

import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.stream.Stream;
import org.postbus.bench.stage.MailServer;
import org.postbus.devstack.rawclient.RawJmap;

/** A raw connection that does nothing but listen to the event source of a JMAP account (RFC 8620 section 7.3). */
public final class EventSourceListener implements AutoCloseable {
    private final RawJmap jmap;
    private final NotificationTimes notifications = new NotificationTimes();
    private volatile boolean closed;

    public EventSourceListener(MailServer.OfJames server) {
        jmap = RawJmap.login(
                server.sessionUrl(), server.user(), server.password().reveal());
        Stream<String> lines = jmap.eventSource("Email");
        Thread.ofPlatform().daemon().name("event-source").start(() -> listen(lines));
    }

    public NotificationTimes notifications() {
        return notifications;
    }

    private void listen(Stream<String> lines) {
        try (lines) {
            lines.filter(line -> line.startsWith("data:") && line.contains("StateChange"))
                    .forEach(line -> notifications.add(Instant.now()));
        } catch (UncheckedIOException e) {
            if (!closed) {
                throw e;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        jmap.abort();
    }
}
