package org.postbus.bench.sync;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.options.Protocol;

/** Prints the runs of {@code bench sync} and whether the targets are met. */
final class SyncTable {
    private static final double DOVECOT_TIMES_THE_FLOOR_MAX = 4;
    private static final double JMAP_TIMES_THE_FLOOR_MAX = 1.3;
    private static final double JAMES_MESSAGES_PER_SECOND_MIN = 2000;

    private final SyncOptions options;
    private final String server;
    private final PrintStream out;

    SyncTable(SyncOptions options, String server, PrintStream out) {
        this.options = options;
        this.server = server;
        this.out = out;
    }

    /** @param peakBytes memory by process */
    void print(long bytes, List<SyncRun> runs, Map<String, Long> peakBytes) {
        out.println();
        out.printf(
                "Initial sync of %d messages, %.1f MB, from %s; %s.%n%n",
                options.messages(), bytes / 1e6, server, Figures.machine());
        out.println(
                "| protocol | run | floor s | floor by pages s | first row s | all rows s | messages/s | times the floor | processors busy |");
        out.println("|---|---|---:|---:|---:|---:|---:|---:|---:|");
        for (Protocol protocol : options.protocols()) {
            List<SyncRun> own =
                    runs.stream().filter(run -> run.protocol() == protocol).toList();
            own.forEach(run -> printLine(run, run.number() == 1 ? "1 (cold)" : Integer.toString(run.number())));
            printLine(SyncRun.warmMedian(own), "**median, warm**");
        }
        for (Protocol protocol : options.protocols()) {
            out.println();
            out.println(verdict(
                    protocol,
                    SyncRun.warmMedian(runs.stream()
                            .filter(run -> run.protocol() == protocol)
                            .toList())));
        }
        out.println();
        out.print("| process | peak memory MB |");
        runs.forEach(run -> out.print(" CPU s " + run.protocol() + " " + run.number() + " |"));
        out.println();
        out.println("|---|---:|" + "---:|".repeat(runs.size()));
        peakBytes.forEach((name, peak) -> {
            out.printf("| %s | %d |", name, peak / (1024 * 1024));
            runs.forEach(run -> out.printf(" %.1f |", run.cpu().get(name)));
            out.println();
        });
    }

    private String verdict(Protocol protocol, SyncRun run) {
        return switch (options.server()) {
            case DOVECOT ->
                Figures.verdict(
                        "%s: %.1f times the floor, target at most %.1f"
                                .formatted(protocol, run.timesTheFloor(), DOVECOT_TIMES_THE_FLOOR_MAX),
                        run.timesTheFloor() <= DOVECOT_TIMES_THE_FLOOR_MAX);
            case JAMES ->
                switch (protocol) {
                    case JMAP ->
                        Figures.verdict(
                                "JMAP: %.2f times the floor of a client that requests one page at a time, target at most %.1f; %.2f times the floor with three requests at a time"
                                        .formatted(
                                                run.timesTheFloorByPages(),
                                                JMAP_TIMES_THE_FLOOR_MAX,
                                                run.timesTheFloor()),
                                run.timesTheFloorByPages() <= JMAP_TIMES_THE_FLOOR_MAX);
                    case IMAP -> {
                        double speed = options.messages() / run.seconds();
                        yield Figures.verdict(
                                "IMAP: %.0f messages/s, target at least %.0f"
                                        .formatted(speed, JAMES_MESSAGES_PER_SECOND_MIN),
                                speed >= JAMES_MESSAGES_PER_SECOND_MIN);
                    }
                };
        };
    }

    private void printLine(SyncRun run, String name) {
        out.printf(
                "| %s | %s | %.2f | %s | %.2f | %.2f | %.0f | %.1f | %.0f %% |%n",
                run.protocol(),
                name,
                run.floor(),
                run.floorByPages().isPresent()
                        ? "%.2f".formatted(run.floorByPages().getAsDouble())
                        : "",
                run.firstRow(),
                run.seconds(),
                options.messages() / run.seconds(),
                run.timesTheFloor(),
                run.busy() * 100);
    }
}
