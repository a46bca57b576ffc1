package org.postbus.bench.measure;

import java.util.Arrays;

/** What the tables of all benchmarks say in the same way. */
public final class Figures {
    private Figures() {}

    /** What it was measured on, for the line above a table. */
    public static String machine() {
        return "%d processors, Java %s, PostgreSQL without fsync"
                .formatted(
                        Runtime.getRuntime().availableProcessors(),
                        Runtime.version().feature());
    }

    /** The least value that so many of a hundred do not exceed. */
    public static double percentile(double[] values, int percent) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.max(0, Math.ceilDiv(sorted.length * percent, 100) - 1)];
    }

    public static String verdict(String what, boolean met) {
        return (met ? "**pass** " : "**miss** ") + what + ".";
    }
}
