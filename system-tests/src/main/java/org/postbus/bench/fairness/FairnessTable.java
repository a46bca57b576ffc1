package org.postbus.bench.fairness;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
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

    void print(Map<Phase, List<SteadyMail.Seen>> seen) {
        out.println();
        out.printf(
                "One tenant's mail, from its arrival on Dovecot to its event, while another tenant adds %d accounts with %d"
                        + " messages each; %s. The other tenant's accounts were in sync after %.0f s, and logged in"
                        + " again %.0f s after the kill.%n%n",
                options.accounts(), options.messages(), Figures.machine(), added, restarted);
        out.println("| meanwhile | messages | s p50 | p99 | max | to the observation p50 | p99 | max |");
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        seen.forEach((phase, messages) -> {
            double[] events = events(messages);
            double[] observations =
                    messages.stream().mapToDouble(SteadyMail.Seen::observation).toArray();
            out.printf(
                    "| %s | %d | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |%n",
                    phase.title(),
                    events.length,
                    Figures.percentile(events, 50),
                    Figures.percentile(events, 99),
                    max(events),
                    Figures.percentile(observations, 50),
                    Figures.percentile(observations, 99),
                    max(observations));
        });
        out.println();
        verdict("the accounts are added", events(seen.get(Phase.ADDING)), events(seen.get(Phase.QUIET)));
        verdict("the fetcher restarts", events(seen.get(Phase.RESTART)), events(seen.get(Phase.QUIET_RESTART)));
    }

    private static double[] events(List<SteadyMail.Seen> messages) {
        return messages.stream().mapToDouble(SteadyMail.Seen::event).toArray();
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
