package org.postbus.bench.tenants;

import java.io.PrintStream;
import java.util.stream.Collectors;
import org.postbus.bench.measure.Figures;

/** Prints what the tenant that is not hostile noticed, and how the attack was answered. */
record TenantsTable(PrintStream out) {
    /** Of the 99th percentile. */
    private static final double LATER_MAX_MS = 5000;

    void print(Victim.Noticed before, Victim.Noticed during, Victim.Noticed after) {
        out.println();
        out.printf(
                "A tenant beside a hostile one; the attack runs on the same processors as the services; %s.%n%n",
                Figures.machine());
        out.println(
                "| attack | requests | refused | request ms p50 | p99 | max | messages | arrival ms p50 | p99 | max |");
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        row("before", before);
        row("during", during);
        row("after", after);
        out.println();
        double later = Figures.percentile(during.arrivals(), 99) - Figures.percentile(before.arrivals(), 99);
        out.println(Figures.verdict(
                "mail of the other tenant is %.0f ms later during the attack (p99), target at most %.0f ms"
                        .formatted(later, LATER_MAX_MS),
                later <= LATER_MAX_MS));
        out.println();
        out.println(Figures.verdict(
                "%d requests of the other tenant were refused during the attack, target 0".formatted(during.refused()),
                during.refused() == 0));
        out.println();
    }

    private void row(String phase, Victim.Noticed noticed) {
        out.printf(
                "| %s | %d | %d | %.1f | %.1f | %.1f | %d | %.1f | %.1f | %.1f |%n",
                phase,
                noticed.requests().length,
                noticed.refused(),
                Figures.percentile(noticed.requests(), 50),
                Figures.percentile(noticed.requests(), 99),
                Figures.percentile(noticed.requests(), 100),
                noticed.arrivals().length,
                Figures.percentile(noticed.arrivals(), 50),
                Figures.percentile(noticed.arrivals(), 99),
                Figures.percentile(noticed.arrivals(), 100));
    }

    void printAttack(Attack attack, long connections) {
        out.println("| what the hostile tenant sent | connections | answers, by status |");
        out.println("|---|---:|---|");
        for (Attack.Kind kind : Attack.Kind.values()) {
            out.printf(
                    "| %s | %d | %s |%n",
                    kind.title(),
                    kind.connections(),
                    attack.answers(kind).entrySet().stream()
                            .map(entry -> (entry.getKey() == 0 ? "none" : entry.getKey()) + ": " + entry.getValue())
                            .collect(Collectors.joining(", ")));
        }
        out.printf("%nPostbus opened %d connections to its mail servers.%n", connections);
    }
}
