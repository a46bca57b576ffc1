package org.postbus.bench.tenants;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/** The tenant that is not hostile: it reads its emails and receives messages, each one at a time, at fixed pauses. */
final class Victim {
    private static final Duration REQUEST_PAUSE = Duration.ofMillis(50);
    private static final Duration MESSAGE_PAUSE = Duration.ofMillis(300);
    /** A message that is not seen within this time ends the benchmark. */
    private static final Duration ARRIVAL_MAX = Duration.ofMinutes(3);

    private final PostbusApi api;
    private final AccountId account;
    private final RawImap sender;
    private final MarkedRecords changes;
    private int messages;

    /** @param changes of the topic {@code postbus.changes} */
    Victim(PostbusApi api, AccountId account, RawImap sender, MarkedRecords changes) {
        this.api = api;
        this.account = account;
        this.sender = sender;
        this.changes = changes;
    }

    /**
     * What it noticed.
     *
     * @param requests of those answered with 200, in ms
     * @param refused requests with another answer
     * @param arrivals from APPEND to the event, in ms
     */
    record Noticed(double[] requests, int refused, double[] arrivals) {}

    Noticed live(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<double[]> arrivals = CompletableFuture.supplyAsync(() -> receive(end), threads);
            List<Double> answered = new ArrayList<>();
            int refused = 0;
            while (System.nanoTime() < end) {
                long begin = System.nanoTime();
                int status = api.get("accounts/" + account + "/emails?limit=20").status();
                if (status == 200) {
                    answered.add((System.nanoTime() - begin) / 1e6);
                } else {
                    refused++;
                }
                LockSupport.parkNanos(REQUEST_PAUSE.toNanos());
            }
            return new Noticed(array(answered), refused, arrivals.join());
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private double[] receive(long end) {
        List<Double> arrivals = new ArrayList<>();
        try {
            while (System.nanoTime() < end) {
                String mark = MarkedRecords.mark(messages++);
                Instant sent = Instant.now();
                sender.append("INBOX", Set.of(), sent, message(mark));
                Optional<MarkedRecords.Seen> seen = changes.await(mark, ARRIVAL_MAX);
                arrivals.add(Duration.between(
                                        sent,
                                        seen.orElseThrow(() -> new IllegalStateException(mark
                                                        + " did not arrive within " + ARRIVAL_MAX.toSeconds() + " s"))
                                                .received())
                                .toNanos()
                        / 1e6);
                LockSupport.parkNanos(MESSAGE_PAUSE.toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        return array(arrivals);
    }

    private static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static byte[] message(String mark) {
        return ("From: Sender <sender@example.org>\r\nTo: alice@example.com\r\nSubject: " + mark + "\r\nMessage-ID: <"
                        + mark + "@example.org>\r\n\r\n" + "A line of text as in any mail.\r\n".repeat(40))
                .getBytes(StandardCharsets.US_ASCII);
    }
}
