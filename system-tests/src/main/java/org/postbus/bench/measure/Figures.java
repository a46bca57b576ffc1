package org.postbus.bench.measure;

import java.util.Arrays;

/** Figures that the tables of all benchmarks present in the same way. */
public final class Figures {
    private Figures() {}

    /** The machine and the settings of the run, for the line above a table. */
    public static String machine() {
        return "%d processors, Java %s, PostgreSQL without fsync"
                .formatted(
                        Runtime.getRuntime().availableProcessors(),
                        Runtime.version().feature());
    }

    /** The least of the values that {@code percent} % of them do not exceed. */
    public static double percentile(double[] values, int percent) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.max(0, Math.ceilDiv(sorted.length * percent, 100) - 1)];
    }

    public static String verdict(String what, boolean met) {
        return (met ? "**pass** " : "**miss** ") + what + ".";
    }

    /** @param begin a {@link System#nanoTime()} */
    public static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }
}
