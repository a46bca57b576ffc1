package org.postbus.bench.idle;

import java.io.PrintStream;
import java.util.List;
import org.postbus.bench.measure.Figures;

/**
 * Prints the results of {@code bench idle} and whether the targets are met.
 *
 * @param descriptors the most files that a process may have open
 * @param loginsPerSecond the fetcher's budget
 */
record IdleTable(int descriptors, int loginsPerSecond, PrintStream out) {
    private static final long BYTES_PER_ACCOUNT_MAX = 50 * 1024;

    /**
     * The fetcher after a garbage collection.
     *
     * @param reachable bytes of reachable objects
     * @param resident bytes of the whole process
     * @param cpu share of one processor while idle
     */
    record FetcherMemory(int accounts, int connections, long reachable, long resident, double cpu) {}

    /**
     * The logins after a restart.
     *
     * @param mostInASecond the most logins within any one second
     * @param seconds until the last login
     */
    record Logins(int all, int mostInASecond, double seconds) {}

    /** @param memories by increasing number of accounts; the first is the base that is subtracted from the others */
    void print(List<FetcherMemory> memories, Logins logins) {
        FetcherMemory few = memories.getFirst();
        out.println();
        out.printf(
                "One fetcher with idle accounts over TLS, after a garbage collection; %s. A process may have %d open files"
                        + " here.%n%n",
                Figures.machine(), descriptors);
        out.println("| accounts | connections | heap MB | resident MB | heap KB/account | resident KB/account |"
                + " resident KB/connection | CPU while idle |");
        out.println("|---:|---:|---:|---:|---:|---:|---:|---:|");
        for (FetcherMemory memory : memories) {
            out.printf(
                    "| %d | %d | %.0f | %.0f | %s | %s | %s | %.0f %% |%n",
                    memory.accounts(),
                    memory.connections(),
                    memory.reachable() / 1048576.0,
                    memory.resident() / 1048576.0,
                    kilobytes(memory.reachable() - few.reachable(), memory.accounts() - few.accounts()),
                    kilobytes(memory.resident() - few.resident(), memory.accounts() - few.accounts()),
                    kilobytes(memory.resident() - few.resident(), memory.connections() - few.connections()),
                    memory.cpu() * 100);
        }
        out.println();
        for (FetcherMemory memory : memories.subList(1, memories.size())) {
            long each = (memory.resident() - few.resident()) / (memory.accounts() - few.accounts());
            out.println(Figures.verdict(
                    "%d accounts: %.1f KB each, target at most %d KB"
                            .formatted(memory.accounts(), each / 1024.0, BYTES_PER_ACCOUNT_MAX / 1024),
                    each <= BYTES_PER_ACCOUNT_MAX));
            out.println();
        }
        out.println("| restart with | logins | seconds | most logins in one second | budget |");
        out.println("|---:|---:|---:|---:|---:|");
        out.printf(
                "| %d accounts | %d | %.0f | %d | %d |%n",
                memories.getLast().accounts(), logins.all(), logins.seconds(), logins.mostInASecond(), loginsPerSecond);
        out.println();
        out.println(Figures.verdict(
                "at most %d logins in any second, the budget is %d".formatted(logins.mostInASecond(), loginsPerSecond),
                logins.mostInASecond() <= loginsPerSecond));
    }

    private static String kilobytes(long bytes, int of) {
        return of == 0 ? "" : "%.1f".formatted(bytes / 1024.0 / of);
    }
}
