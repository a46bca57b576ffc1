package org.postbus.bench;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;
import org.postbus.bench.fairness.FairnessBench;
import org.postbus.bench.fairness.FairnessOptions;
import org.postbus.bench.flush.FlushBench;
import org.postbus.bench.flush.FlushOptions;
import org.postbus.bench.idle.IdleBench;
import org.postbus.bench.idle.IdleOptions;
import org.postbus.bench.latency.LatencyBench;
import org.postbus.bench.latency.LatencyOptions;
import org.postbus.bench.scale.ScaleBench;
import org.postbus.bench.scale.ScaleOptions;
import org.postbus.bench.sync.SyncBench;
import org.postbus.bench.sync.SyncOptions;
import org.postbus.bench.tenants.TenantsBench;
import org.postbus.bench.tenants.TenantsOptions;
import org.postbus.bench.unchanged.UnchangedBench;
import org.postbus.bench.unchanged.UnchangedOptions;

/**
 * {@code ./postbus bench [NAME]}. Without a name it runs all benchmarks. Exit codes: 0 measured (with any result), 1 failure, 2 invalid
 * arguments.
 */
public final class Main {
    private static final String USAGE = """
            usage: ./postbus bench [NAME [OPTION VALUE]...]

            %s
            Without a name: all of them, one after the other. docs/benchmarks.md explains the tables.
            """;

    private Main() {}

    /** The benchmarks. */
    private enum Bench {
        SYNC("sync", """
                the initial sync of a mailbox, beside the least time in which the server can deliver it
                    --server S     james or dovecot (james)
                    --protocol P   imap or jmap, on James (both)
                    --messages N   in the mailbox (10000)
                    --runs N       runs per protocol; the first has cold JVMs, the second half counts (8)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new SyncBench(SyncOptions.parse(options), System.out);
            }
        },
        LATENCY("latency", """
                from the arrival of a message to its event on postbus.changes, beside the notification of a raw connection
                    --protocol P   imap: Dovecot and IDLE; jmap: James and its event source (imap)
                    --arrivals N   by APPEND to INBOX, and a third of it by each of two other paths (300)
                    --before N     messages to other accounts first, so that the processes are warmed up (2000)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new LatencyBench(LatencyOptions.parse(options), System.out);
            }
        },
        FLUSH("flush", """
                mutations on their way to Dovecot and to James over JMAP, beside the fewest commands of a raw client
                    --server S     james or dovecot (both)
                    --emails N     changed at once (10000)
                    --runs N       number of such changes (3)
                    --single N     mutations one at a time (200)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new FlushBench(FlushOptions.parse(options), System.out);
            }
        },
        UNCHANGED("unchanged", """
                a sync pass over a mailbox without changes, beside one LIST with STATUS
                    --messages N   in the mailbox, on Dovecot (200000)
                    --passes N     sync passes that are measured (100)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new UnchangedBench(UnchangedOptions.parse(options), System.out);
            }
        },
        IDLE("idle", """
                a fetcher's memory per idle account over TLS, and its logins per second after a restart
                    --accounts N     the larger number of accounts; the smaller is a fifth (10000)
                    --histogram true print the classes that take most of the heap""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new IdleBench(IdleOptions.parse(options), System.out);
            }
        },
        FAIRNESS("fairness", """
                one tenant's mail while another tenant adds many accounts, and while the fetcher restarts with them
                    --accounts N   of the other tenant (1500)
                    --messages N   in the INBOX of each (20)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new FairnessBench(FairnessOptions.parse(options), System.out);
            }
        },
        SCALE("scale", """
                what an account costs in a large database, beside the same in a small one: time and rows read
                    --emails N       in the large database, half of them in one mailbox (2000000)
                    --repeats N      of each step (20)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new ScaleBench(ScaleOptions.parse(options), System.out);
            }
        },
        TENANTS("tenants", """
                what a tenant notices of a hostile one: its requests and its mail before, during and after an attack
                    --seconds N      for each of the three measurements (60)
                    --accounts N     of the hostile tenant, on 20 dead and hostile mail servers (500)""") {
            @Override
            Runnable parse(Deque<String> options) {
                return new TenantsBench(TenantsOptions.parse(options), System.out);
            }
        };

        private final String shownName;
        private final String what;

        Bench(String shownName, String what) {
            this.shownName = shownName;
            this.what = what;
        }

        /** @throws IllegalArgumentException naming the invalid option */
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
