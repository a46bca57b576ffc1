package org.postbus.bench;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;
import org.postbus.bench.flush.FlushBench;
import org.postbus.bench.idle.IdleBench;
import org.postbus.bench.latency.LatencyBench;
import org.postbus.bench.sync.SyncBench;
import org.postbus.bench.unchanged.UnchangedBench;

/**
 * {@code ./postbus bench [NAME]}. Without a name it runs them all. Exit codes: 0 measured (whatever the figures are), 1 something
 * failed, 2 the arguments were not understood.
 */
public final class Main {
    private static final String USAGE = """
            usage: ./postbus bench [NAME [OPTION VALUE]...]

            %s
            Without a name: all of them, one after the other. docs/benchmarks.md says how to read the tables.
            """;

    private Main() {}

    /** The benchmarks there are. */
    private enum Bench {
        SYNC("sync", """
                the first synchronisation of a mailbox, beside the least time in which the server can give it
                    --server S     james or dovecot (james)
                    --protocol P   imap or jmap, on James (both)
                    --messages N   in the mailbox (10000)
                    --runs N       how often each is measured; the first is with cold JVMs, the second half counts (8)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new SyncBench(SyncBench.Options.parse(options), System.out);
            }
        },
        LATENCY("latency", """
                from the arrival of a message to its event on postbus.changes, beside a raw connection that waits for it
                    --protocol P   imap: Dovecot and IDLE; jmap: James and its event source (imap)
                    --arrivals N   by APPEND to INBOX, and a third each by two other ways (300)
                    --before N     messages that arrive for others first: what runs is a process that was not just started (2000)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new LatencyBench(LatencyBench.Options.parse(options), System.out);
            }
        },
        FLUSH("flush", """
                wishes on their way to Dovecot and to James over JMAP, beside a raw client's fewest commands
                    --server S     james or dovecot (both)
                    --emails N     changed at once (10000)
                    --runs N       how often that is measured (3)
                    --single N     wishes one at a time (200)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new FlushBench(FlushBench.Options.parse(options), System.out);
            }
        },
        UNCHANGED("unchanged", """
                a look at a mailbox in which nothing has changed, beside one LIST with STATUS
                    --messages N   in the mailbox, on Dovecot (200000)
                    --passes N     how many looks are measured (100)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new UnchangedBench(UnchangedBench.Options.parse(options), System.out);
            }
        },
        IDLE("idle", """
                a fetcher's memory for each account that waits over TLS, and its logins a second after a restart
                    --accounts N     the larger number; the smaller is a fifth (10000)
                    --histogram true what the heap consists of""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new IdleBench(IdleBench.Options.parse(options), System.out);
            }
        };

        private final String shownName;
        private final String what;

        Bench(String shownName, String what) {
            this.shownName = shownName;
            this.what = what;
        }

        /** @throws IllegalArgumentException saying what was not understood */
        abstract Runnable parse(Deque<String> options);
    }

    public static void main(String[] arguments) {
        List<Runnable> chosen;
        try {
            Deque<String> rest = new ArrayDeque<>(List.of(arguments));
            if (rest.contains("--help") || rest.contains("-h")) {
                System.out.print(usage());
                System.exit(0);
            }
            chosen = rest.isEmpty()
                    ? Arrays.stream(Bench.values())
                            .map(bench -> bench.parse(new ArrayDeque<>()))
                            .toList()
                    : List.of(named(rest.pop()).parse(rest));
        } catch (IllegalArgumentException e) {
            System.err.println("postbus bench: " + e.getMessage() + "\n");
            System.err.print(usage());
            System.exit(2);
            return;
        }
        try {
            chosen.forEach(Runnable::run);
            System.exit(0);
        } catch (RuntimeException e) {
            System.err.println("postbus bench: " + e.getMessage());
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static Bench named(String name) {
        return Arrays.stream(Bench.values())
                .filter(bench -> bench.shownName.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such benchmark: " + name));
    }

    private static String usage() {
        return USAGE.formatted(Arrays.stream(Bench.values())
                .map(bench -> "  %-10s %s%n".formatted(bench.shownName, bench.what))
                .collect(Collectors.joining()));
    }
}
