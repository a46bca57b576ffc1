package org.postbus.bench.fairness;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.Map;
import org.postbus.bench.measure.Figures;

/**
 * Prints the results of {@code bench fairness} and whether the targets are met.
 *
 * @param added seconds until all accounts of the other tenant were synced and watched
 * @param restarted seconds until they were logged in again
 */
record FairnessTable(FairnessOptions options, double added, double restarted, PrintStream out) {
    private static final double LATER_MAX_SECONDS = 5;

    void print(Map<Phase, double[]> seconds) {
        out.println();
        out.printf(
                "One tenant's mail, from its arrival on Dovecot to its event, while another tenant adds %d accounts with %d"
                        + " messages each; %s. The other tenant's accounts were in sync after %.0f s, and logged in"
                        + " again %.0f s after the kill.%n%n",
                options.accounts(), options.messages(), Figures.machine(), added, restarted);
        out.println("| meanwhile | messages | s p50 | p99 | max |");
        out.println("|---|---:|---:|---:|---:|");
        seconds.forEach((phase, values) -> out.printf(
                "| %s | %d | %.3f | %.3f | %.3f |%n",
                phase.title(),
                values.length,
                Figures.percentile(values, 50),
                Figures.percentile(values, 99),
                max(values)));
        out.println();
        verdict("the accounts are added", seconds.get(Phase.ADDING), seconds.get(Phase.QUIET));
        verdict("the fetcher restarts", seconds.get(Phase.RESTART), seconds.get(Phase.QUIET_RESTART));
    }

    private void verdict(String when, double[] with, double[] without) {
        double later = max(with) - max(without);
        out.println(Figures.verdict(
                "while %s: the last message is %.1f s later than without the other tenant, target at most %.0f s"
                        .formatted(when, later, LATER_MAX_SECONDS),
                later <= LATER_MAX_SECONDS));
        out.println();
    }

    private static double max(double[] values) {
        return Arrays.stream(values).max().orElseThrow();
    }
}
