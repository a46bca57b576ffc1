package org.postbus.bench;

/** What the tables of all benchmarks say in the same way. */
final class Figures {
    private Figures() {}

    /** What it was measured on, for the line above a table. */
    static String machine() {
        return "%d processors, Java %s, PostgreSQL without fsync"
                .formatted(
                        Runtime.getRuntime().availableProcessors(),
                        Runtime.version().feature());
    }

    static String verdict(String what, boolean met) {
        return (met ? "**pass** " : "**miss** ") + what + ".";
    }
}
