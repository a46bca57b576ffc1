package org.postbus.bench.fairness;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.bench.stage.MailServer;
import org.postbus.devstack.rawclient.RawImap;

/**
 * Appends a message to one of several INBOXes at a constant rate, whether or not the earlier ones have been seen, and measures the time until
 * the event of each reaches a subscriber.
 */
final class SteadyMail implements AutoCloseable {
    private static final Duration INTERVAL = Duration.ofMillis(250);
    /** A message that is not seen within this time is a failure. */
    private static final Duration ARRIVAL_MAX = Duration.ofMinutes(3);

    private record Sent(Phase phase, String mark, Instant at) {}

    private final List<? extends MailServer> accounts;
    private final MarkedRecords observations;
    private final MarkedRecords changes;
    private final List<Sent> sent = new ArrayList<>();
    private final Thread sender;
    private volatile Phase phase = Phase.WARM_UP;
    private volatile boolean ended;

    /**
     * The times of one message, in seconds after it was sent.
     *
     * @param observation its record on {@code postbus.observations}, by the fetcher's clock
     */
    record Seen(double observation, double event) {}

    SteadyMail(List<? extends MailServer> accounts, MarkedRecords observations, MarkedRecords changes) {
        this.observations = observations;
        this.accounts = accounts;
        this.changes = changes;
        this.sender = Thread.ofPlatform().daemon().name("steady-mail").start(this::send);
    }

    /** Messages that are sent from now on belong to this phase. */
    void enter(Phase next) {
        phase = next;
    }

    /** Sends no more and waits for the last event. */
    Map<Phase, List<Seen>> end() throws InterruptedException {
        close();
        Map<Phase, List<Seen>> byPhase = new EnumMap<>(Phase.class);
        for (Sent message : sent) {
            Instant event = seen(changes, message).received();
            Instant observation = seen(observations, message).sent();
            byPhase.computeIfAbsent(message.phase(), unused -> new ArrayList<>())
                    .add(new Seen(seconds(message, observation), seconds(message, event)));
        }
        return byPhase;
    }

    private static MarkedRecords.Seen seen(MarkedRecords topic, Sent message) throws InterruptedException {
        return topic.await(message.mark(), ARRIVAL_MAX)
                .orElseThrow(() -> new IllegalStateException("not seen: " + message));
    }

    private static double seconds(Sent message, Instant at) {
        return Duration.between(message.at(), at).toMillis() / 1e3;
    }

    private void send() {
        List<RawImap> connections = accounts.stream().map(MailServer::logIn).toList();
        long next = System.nanoTime();
        for (int number = 0; !ended; number++) {
            Sent message = new Sent(phase, MarkedRecords.mark(number), Instant.now());
            connections
                    .get(number % connections.size())
                    .append("INBOX", Set.of(), message.at(), message(message.mark()));
            sent.add(message);
            next += INTERVAL.toNanos();
            LockSupport.parkNanos(next - System.nanoTime());
        }
        connections.forEach(RawImap::close);
    }

    private static byte[] message(String mark) {
        return ("From: Sender <sender@example.org>\r\nTo: user@example.com\r\nSubject: " + mark + "\r\nMessage-ID: <"
                        + mark + "@example.org>\r\n\r\nA line of text as in any mail.\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() {
        ended = true;
        try {
            sender.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
