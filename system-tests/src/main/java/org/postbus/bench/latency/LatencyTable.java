package org.postbus.bench.latency;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.postbus.bench.measure.Figures;

/**
 * Prints the arrivals of {@code bench latency} and whether the target is met.
 *
 * @param server the mail server, with the protocol
 * @param raw the raw connection beside which the events are measured
 * @param before messages that other accounts received first
 * @param others number of these accounts
 */
record LatencyTable(String server, String raw, int before, int others, PrintStream out) {
    private static final Duration AFTER_NOTIFICATION_MAX = Duration.ofMillis(30);

    void print(List<Arrival> arrivals, Set<ArrivalPath> paths) {
        out.println();
        out.printf(
                "From the arrival of a message on %s to its event, after %d messages to %d other accounts; %s.%n%n",
                server, before, others, Figures.machine());
        out.printf(
                "| arrival | messages | %1$s ms p50 | p99 | event ms p50 | p99 | event after %1$s ms p50 | p99 |%n",
                raw);
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (ArrivalPath path : paths) {
            List<Arrival> own =
                    arrivals.stream().filter(arrival -> arrival.path() == path).toList();
            Function<Arrival, Duration> notification =
                    arrival -> Duration.between(arrival.sent(), arrival.notification());
            Function<Arrival, Duration> event =
                    arrival -> Duration.between(arrival.sent(), arrival.change().received());
            out.printf(
                    "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |%n",
                    path.title(),
                    own.size(),
                    millis(own, 50, notification),
                    millis(own, 99, notification),
                    millis(own, 50, event),
                    millis(own, 99, event),
                    millis(own, 50, Arrival::eventAfterNotification),
                    millis(own, 99, Arrival::eventAfterNotification));
        }
        out.println();
        for (ArrivalPath path : paths) {
            double after = millis(
                    arrivals.stream().filter(arrival -> arrival.path() == path).toList(),
                    50,
                    Arrival::eventAfterNotification);
            out.println(Figures.verdict(
                    "%s: the event is %.1f ms after the %s's notification (p50), target at most %d ms"
                            .formatted(path.title(), after, raw, AFTER_NOTIFICATION_MAX.toMillis()),
                    after <= AFTER_NOTIFICATION_MAX.toMillis()));
            out.println();
        }
        out.println("Time per stage, p50 in ms:");
        out.println();
        out.printf("| arrival | %s to observation sent (fetcher) | to change sent (writer) | to subscriber |%n", raw);
        out.println("|---|---:|---:|---:|");
        for (ArrivalPath path : paths) {
            List<Arrival> own =
                    arrivals.stream().filter(arrival -> arrival.path() == path).toList();
            out.printf(
                    "| %s | %.1f | %.1f | %.1f |%n",
                    path.title(),
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.notification(),
                                    arrival.observation().sent())),
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.observation().sent(),
                                    arrival.change().sent())),
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.change().sent(), arrival.change().received())));
        }
    }

    private static double millis(List<Arrival> arrivals, int percentile, Function<Arrival, Duration> time) {
        return Figures.percentile(
                arrivals.stream()
                        .mapToDouble(arrival -> time.apply(arrival).toNanos() / 1e6)
                        .toArray(),
                percentile);
    }
}
