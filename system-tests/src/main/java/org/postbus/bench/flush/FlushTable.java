package org.postbus.bench.flush;

import java.io.PrintStream;
import java.util.List;
import org.postbus.bench.measure.Figures;

/**
 * Prints the results of {@code bench flush} and whether the targets are met.
 *
 * @param emails changed at once
 */
record FlushTable(int emails, PrintStream out) {
    private static final double TIMES_THE_FLOOR_MAX = 3;
    private static final double SINGLE_MILLIS_MAX = 25;

    void print(List<FlushResult> results) {
        out.println();
        out.printf("%d keyword changes at once; %s.%n%n", emails, Figures.machine());
        out.println("| server | run | floor s | accepted s | confirmed s after | times the floor |");
        out.println("|---|---:|---:|---:|---:|---:|");
        for (FlushResult result : results) {
            for (int i = 0; i < result.runs().size(); i++) {
                FlushResult.Run run = result.runs().get(i);
                out.printf(
                        "| %s | %d | %.2f | %.2f | %.2f | %.1f |%n",
                        result.server(), i + 1, run.floor(), run.accepted(), run.confirmed(), run.timesTheFloor());
            }
        }
        out.println();
        for (FlushResult result : results) {
            double times = Figures.percentile(
                    result.runs().stream()
                            .mapToDouble(FlushResult.Run::timesTheFloor)
                            .toArray(),
                    50);
            out.println(Figures.verdict(
                    "%s: %.1f times the floor (median), target at most %.0f"
                            .formatted(result.server(), times, TIMES_THE_FLOOR_MAX),
                    times <= TIMES_THE_FLOOR_MAX));
            out.println();
        }
        out.println(
                "One mutation at a time, from the PATCH until another client reads it from the server; floor: the same for a raw"
                        + " client's command, response: until the response to that command.");
        out.println();
        out.println("| server | mutations | ms p50 | p99 | floor p50 | p99 | response p50 | times the floor p50 |");
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (FlushResult result : results) {
            FlushResult.Single single = result.single();
            out.printf(
                    "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |%n",
                    result.server(),
                    single.mutation().length,
                    Figures.percentile(single.mutation(), 50),
                    Figures.percentile(single.mutation(), 99),
                    Figures.percentile(single.floor(), 50),
                    Figures.percentile(single.floor(), 99),
                    Figures.percentile(single.responded(), 50),
                    Figures.percentile(single.mutation(), 50) / Figures.percentile(single.floor(), 50));
        }
        out.println();
        for (FlushResult result : results) {
            double p50 = Figures.percentile(result.single().mutation(), 50);
            out.println(Figures.verdict(
                    "%s: %.1f ms (p50), target below %.0f ms".formatted(result.server(), p50, SINGLE_MILLIS_MAX),
                    p50 < SINGLE_MILLIS_MAX));
            out.println();
        }
    }
}
