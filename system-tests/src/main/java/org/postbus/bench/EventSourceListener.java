package org.postbus.bench;

import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.stream.Stream;
import org.postbus.devstack.RawJmap;

/** A raw connection that does nothing but listen to the event source of a JMAP account (RFC 8620 section 7.3). */
final class EventSourceListener implements AutoCloseable {
    private final RawJmap jmap;
    private final Notices notices = new Notices();
    private volatile boolean closed;

    EventSourceListener(MailServer.OfJames server) {
        jmap = RawJmap.login(
                server.sessionUrl(), server.user(), server.password().reveal());
        Stream<String> lines = jmap.eventSource("Email");
        Thread.ofPlatform().daemon().name("event-source").start(() -> listen(lines));
    }

    Notices notices() {
        return notices;
    }

    private void listen(Stream<String> lines) {
        try (lines) {
            lines.filter(line -> line.startsWith("data:") && line.contains("StateChange"))
                    .forEach(line -> notices.add(Instant.now()));
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
