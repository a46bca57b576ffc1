package org.postbus.bench.sync;

import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.floor.ServerFloor;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.ProcessUse;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.MailboxFill;
import org.postbus.bench.stage.Stage;
import org.postbus.compare.DatabaseState;
import org.postbus.compare.MailState;
import org.postbus.compare.ServerState;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/**
 * Measures the initial sync of a mailbox, from {@code POST /v1/accounts} to the commit of the last row, beside the least time in which
 * the server can deliver the same items ({@link ServerFloor}). All of Postbus and the mail server run on this machine; PostgreSQL runs
 * without fsync.
 *
 * <p>Phases: 1. start everything; 2. fill one INBOX; 3. per protocol and run: measure the floor, sync, compare the rows with the server;
 * 4. print. If the rows differ from the server, the benchmark fails without a table.
 */
public final class SyncBench implements Runnable {
    private static final long SEED = 2026;
    private static final James.User JAMES_USER = James.User.of("alice", "bench-password");

    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration SYNC_LIMIT = Duration.ofMinutes(20);
    private static final Duration QUIET = Duration.ofSeconds(3);

    private final SyncOptions options;
    private final PrintStream out;
    private final AtomicLong postgresPeak = new AtomicLong();
    private final AtomicLong serverPeak = new AtomicLong();

    public SyncBench(SyncOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        try (Stage stage = start();
                MailServer server = server(stage);
                Connection database = stage.database()) {
            MailCorpus corpus = new MailCorpus(SEED, server.user(), Instant.parse("2020-01-01T00:00:00Z"));
            long bytes = MailboxFill.fill(server, options.messages(), number -> corpus.next(), out);
            List<SyncRun> runs = new ArrayList<>();
            for (Protocol protocol : options.protocols()) {
                // The first read warms the server up.
                floor(protocol, server);
                for (int number = 1; number <= options.runs(); number++) {
                    runs.add(measure(protocol, number, server, stage, database));
                }
            }
            new SyncTable(options, server.name(), out).print(bytes, runs, peakBytes(server, stage.postbus()));
        } catch (SQLException e) {
            throw new IllegalStateException("a database query failed", e);
        }
    }

    private Stage start() {
        return switch (options.server()) {
            case JAMES -> Stage.start(List.of(JAMES_USER), settings -> settings.jamesHeap("2g"), out);
            case DOVECOT -> Stage.start(out);
        };
    }

    private MailServer server(Stage stage) {
        return switch (options.server()) {
            case JAMES -> new MailServer.OfJames(stage.postbus().james(), JAMES_USER);
            case DOVECOT -> MailServer.OfDovecot.start(stage.log("dovecot"));
        };
    }

    private double floor(Protocol protocol, MailServer server) {
        ServerFloor.Read read =
                switch (protocol) {
                    case IMAP -> ServerFloor.overImap(server);
                    case JMAP -> ServerFloor.overJmap((MailServer.OfJames) server);
                };
        out.printf("%s floor: %.2f s, %.1f MB%n", protocol, read.seconds(), read.bytes() / 1e6);
        return read.seconds();
    }

    private OptionalDouble floorByPages(Protocol protocol, MailServer server) {
        return switch (protocol) {
            case IMAP -> OptionalDouble.empty();
            case JMAP -> {
                ServerFloor.Read read = ServerFloor.overJmapByPages((MailServer.OfJames) server, options.messages());
                out.printf("%s floor by pages: %.2f s, %.1f MB%n", protocol, read.seconds(), read.bytes() / 1e6);
                yield OptionalDouble.of(read.seconds());
            }
        };
    }

    private SyncRun measure(Protocol protocol, int number, MailServer server, Stage stage, Connection database)
            throws SQLException {
        LocalPostbus postbus = stage.postbus();
        double floor = floor(protocol, server);
        OptionalDouble floorByPages = floorByPages(protocol, server);
        Map<String, Long> pids = pids(server, postbus);
        Map<String, Double> cpuBefore = ProcessUse.cpuSeconds(pids);
        double[] machineBefore = ProcessUse.machineSeconds();
        long begin = System.nanoTime();
        AccountId account = server.add(stage.api(), protocol);
        double firstRow = 0;
        try (PreparedStatement progress = database.prepareStatement(
                "select exists (select from email where account_id = ?), initial_done from account_sync"
                        + " where account_id = ?")) {
            progress.setObject(1, account.value());
            progress.setObject(2, account.value());
            for (boolean done = false; !done; ) {
                if (Figures.secondsSince(begin) > SYNC_LIMIT.toSeconds()) {
                    throw new IllegalStateException("not in sync after " + SYNC_LIMIT.toMinutes() + " min");
                }
                LockSupport.parkNanos(POLL.toNanos());
                try (ResultSet row = progress.executeQuery()) {
                    if (row.next()) {
                        firstRow = firstRow == 0 && row.getBoolean(1) ? Figures.secondsSince(begin) : firstRow;
                        done = row.getBoolean(2);
                    }
                }
            }
        }
        double seconds = Figures.secondsSince(begin);
        double[] machineAfter = ProcessUse.machineSeconds();
        Map<String, Double> cpu = new LinkedHashMap<>();
        ProcessUse.cpuSeconds(pids).forEach((name, after) -> cpu.put(name, after - cpuBefore.get(name)));
        postgresPeak.accumulateAndGet(
                ProcessUse.residentBytes(postbus.postgres().pid()), Math::max);
        serverPeak.accumulateAndGet(server.memoryBytes(), Math::max);
        double busy = (machineAfter[0] - machineBefore[0]) / (machineAfter[1] - machineBefore[1]);
        out.printf(
                "%s run %d: %.2f s, %.0f messages/s, processors %.0f %% busy%n",
                protocol, number, seconds, options.messages() / seconds, busy * 100);
        check(protocol, server, database, account);
        stage.api().delete("accounts/" + account).expect(204);
        awaitGone(database, account);
        return new SyncRun(protocol, number, floor, floorByPages, seconds, firstRow, busy, cpu);
    }

    private void check(Protocol protocol, MailServer server, Connection database, AccountId account)
            throws SQLException {
        DatabaseState rows = DatabaseState.read(database, account);
        List<String> wrong = new ArrayList<>(rows.violations());
        wrong.addAll(rows.differencesFrom(rows.fold()));
        switch (protocol) {
            case IMAP -> {
                try (RawImap imap = server.logIn()) {
                    wrong.addAll(MailState.differences(ServerState.overImap(imap), rows.mail()));
                }
            }
            case JMAP -> {
                // Reading everything once more over JMAP would take longer than the run.
                if (rows.mail().emails() != options.messages()) {
                    wrong.add(rows.mail().emails() + " emails instead of " + options.messages());
                }
            }
        }
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("the database differs from the server:\n" + String.join("\n", wrong));
        }
    }

    /** Keeps the deletion of this run's rows, and their vacuum, out of the next run. */
    private static void awaitGone(Connection database, AccountId account) throws SQLException {
        try (PreparedStatement left = database.prepareStatement("select 1 from email where account_id = ? limit 1")) {
            left.setObject(1, account.value());
            boolean rows = true;
            while (rows) {
                LockSupport.parkNanos(QUIET.toNanos());
                try (ResultSet row = left.executeQuery()) {
                    rows = row.next();
                }
            }
        }
        try (Statement vacuum = database.createStatement()) {
            vacuum.execute("vacuum analyze");
        }
    }

    private Map<String, Long> peakBytes(MailServer server, LocalPostbus postbus) {
        Map<String, Long> peaks = new LinkedHashMap<>();
        pids(server, postbus)
                .forEach((name, pid) -> peaks.put(
                        name,
                        switch (name) {
                            case "PostgreSQL" -> postgresPeak.get();
                            case "mail server" -> serverPeak.get();
                            default -> ProcessUse.peakBytes(pid);
                        }));
        return peaks;
    }

    private static Map<String, Long> pids(MailServer server, LocalPostbus postbus) {
        Map<String, Long> pids = new LinkedHashMap<>();
        pids.put("mail server", server.pid());
        postbus.services()
                .instances()
                .forEach(name -> pids.put(name, postbus.services().pid(name)));
        pids.put("Kafka", postbus.kafka().pid());
        pids.put("PostgreSQL", postbus.postgres().pid());
        pids.put("benchmark", ProcessHandle.current().pid());
        return pids;
    }
}
