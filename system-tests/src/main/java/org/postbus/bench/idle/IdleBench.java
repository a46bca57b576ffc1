package org.postbus.bench.idle;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.idle.IdleTable.FetcherMemory;
import org.postbus.bench.idle.IdleTable.Logins;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.Jcmd;
import org.postbus.bench.measure.ProcessUse;
import org.postbus.bench.stage.IdleServerProcess;
import org.postbus.bench.stage.ManyAccounts;
import org.postbus.bench.stage.Stage;
import org.postbus.model.AccountId;

/**
 * Measures what an idle account costs a fetcher: memory with a few, with a fifth and with all of the accounts, each logged in over TLS
 * to a local server and waiting for notifications ({@link IdleServer}). Then the fetcher is restarted, and the server counts its logins
 * per second.
 */
public final class IdleBench implements Runnable {
    /** The base of the measurement. It is taken after a fifth of the accounts have come and gone, so that all code is compiled. */
    static final int FEW = 50;

    /** More than the default, so that 10,000 accounts log in within minutes. */
    private static final int LOGINS_PER_SECOND = 200;

    /** File descriptors of a process for Kafka, PostgreSQL and jars. */
    private static final int OTHER_DESCRIPTORS = 600;

    /** One in IDLE and one for sync passes. */
    private static final int CONNECTIONS_PER_ACCOUNT = 2;

    private static final Duration LOGIN_WAIT = Duration.ofMinutes(15);
    /** After this time connections that were needed only for the initial sync are closed. */
    private static final Duration QUIET = Duration.ofSeconds(20);

    /** The longest time for which timers keep closed connections reachable. */
    private static final Duration TIMERS_EXPIRED = Duration.ofSeconds(75);

    private static final String FETCHER = "fetcher-1";
    private static final int HISTOGRAM_LINES = 25;

    private final IdleOptions options;
    private final PrintStream out;

    public IdleBench(IdleOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        int descriptors = descriptorsMax();
        int connections = descriptors - OTHER_DESCRIPTORS;
        if (connections < options.accounts()) {
            throw new IllegalStateException("a process may have " + descriptors + " open files (ulimit -Hn), which is"
                    + " not enough for " + options.accounts() + " connections");
        }
        try (IdleServerProcess server = new IdleServerProcess(0);
                Stage stage = Stage.start(
                        List.of(),
                        settings -> settings.serviceHeap("3g")
                                .environment(
                                        Map.of(
                                                "POSTBUS_FETCHER_LOGINS_PER_HOST_AND_SECOND",
                                                Integer.toString(LOGINS_PER_SECOND),
                                                "POSTBUS_FETCHER_CONNECTIONS_PER_HOST",
                                                Integer.toString(connections),
                                                "JAVA_TOOL_OPTIONS",
                                                server.trustOptions()
                                                        // Free heap is returned to the system, so that resident memory
                                                        // follows the heap.
                                                        + " -Xms64m -Xmn32m -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=10 -XX:-ShrinkHeapInSteps")),
                        out);
                Connection database = stage.database()) {
            ManyAccounts all =
                    new ManyAccounts(stage, database, stage.postbus().apiKey().tenant());
            int fewer = options.accounts() / 5;
            List<AccountId> first = all.add(server.port(), fewer);
            awaitLoggedIn(database, server, fewer);
            all.remove(first.subList(FEW, fewer));
            Stage.await("the connections of the deleted accounts are closed", LOGIN_WAIT, () -> {
                LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
                return server.counts().connections() <= CONNECTIONS_PER_ACCOUNT * FEW;
            });
            LockSupport.parkNanos(TIMERS_EXPIRED.toNanos());
            List<FetcherMemory> memories = new ArrayList<>(List.of(memory(stage, server, FEW)));
            int there = FEW;
            for (int accounts : List.of(fewer, options.accounts())) {
                all.add(server.port(), accounts - there);
                there = accounts;
                awaitLoggedIn(database, server, accounts);
                memories.add(memory(stage, server, accounts));
            }
            if (options.histogram()) {
                Jcmd.run(stage.postbus().services().pid(FETCHER), Jcmd.CLASS_HISTOGRAM)
                        .lines()
                        .limit(HISTOGRAM_LINES)
                        .forEach(out::println);
            }
            server.counts();
            long begin = System.nanoTime();
            stage.postbus().services().restart(FETCHER);
            Logins logins = awaitNoLogins(server, begin);
            new IdleTable(descriptors, LOGINS_PER_SECOND, out).print(memories, logins);
        } catch (SQLException e) {
            throw new IllegalStateException("a database query failed", e);
        }
    }

    /** Waits until every account has been synced once and no more accounts log in. */
    private void awaitLoggedIn(Connection database, IdleServerProcess server, int accounts) {
        long begin = System.nanoTime();
        Stage.await("all accounts were synced", LOGIN_WAIT, () -> {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
            try (Statement statement = database.createStatement();
                    ResultSet row = statement.executeQuery("select count(*) from account_sync where initial_done")) {
                row.next();
                return row.getInt(1) >= accounts;
            }
        });
        awaitNoLogins(server, begin);
        out.printf(
                "  %d accounts logged in after %.0f s, %d connections%n",
                accounts, Figures.secondsSince(begin), server.counts().connections());
    }

    /** Waits until there was no login for 10 s after the first. */
    private static Logins awaitNoLogins(IdleServerProcess server, long begin) {
        int all = 0;
        int most = 0;
        double last = 0;
        int quiet = 0;
        while (quiet < 5 || all == 0) {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2));
            IdleServerProcess.Counts counts = server.counts();
            all += counts.logins();
            most = Math.max(most, counts.mostInASecond());
            quiet = counts.logins() == 0 ? quiet + 1 : 0;
            last = counts.logins() == 0 ? last : Figures.secondsSince(begin);
            if (Figures.secondsSince(begin) > LOGIN_WAIT.toSeconds()) {
                throw new IllegalStateException("logins went on after " + LOGIN_WAIT.toMinutes() + " min");
            }
        }
        return new Logins(all, most, last);
    }

    private FetcherMemory memory(Stage stage, IdleServerProcess server, int accounts) {
        long pid = stage.postbus().services().pid(FETCHER);
        double before = ProcessUse.cpuSeconds(Map.of(FETCHER, pid)).get(FETCHER);
        LockSupport.parkNanos(QUIET.toNanos());
        double cpu = (ProcessUse.cpuSeconds(Map.of(FETCHER, pid)).get(FETCHER) - before) / QUIET.toSeconds();
        FetcherMemory memory = new FetcherMemory(
                accounts, server.counts().connections(), Jcmd.reachableBytes(pid), ProcessUse.residentBytes(pid), cpu);
        out.printf("  %s%n", memory);
        return memory;
    }

    /** The hard limit: JVMs raise their soft limit to it. */
    private static int descriptorsMax() {
        try {
            return Files.readAllLines(Path.of("/proc/self/limits")).stream()
                    .filter(line -> line.startsWith("Max open files"))
                    .map(line -> line.split("\\s+")[4])
                    .mapToInt(limit -> limit.equals("unlimited") ? Integer.MAX_VALUE : Integer.parseInt(limit))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
