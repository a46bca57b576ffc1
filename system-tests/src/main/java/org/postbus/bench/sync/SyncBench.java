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
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.floor.ServerFloor;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.ProcessUse;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.stage.MailServer;
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
 * How long the first synchronisation of a mailbox takes, from {@code POST /v1/accounts} to the last row committed, beside the least
 * time in which the server can give the same items ({@link ServerFloor}). All of Postbus and the mail server run on this machine;
 * PostgreSQL runs without fsync.
 *
 * <p>Phases: 1. start everything; 2. fill one INBOX; 3. per protocol and run: the floor, the run, the rows compared with the server;
 * 4. print. If the rows are not what the server has, there is no table: a wrong result has no speed.
 */
public final class SyncBench implements Runnable {
    private static final double DOVECOT_TIMES_THE_FLOOR_MAX = 4;
    private static final double JMAP_TIMES_THE_FLOOR_MAX = 1.3;
    private static final double JAMES_MESSAGES_PER_SECOND_MIN = 2000;

    private static final long SEED = 2026;
    private static final James.User JAMES_USER = James.User.of("alice", "bench-password");
    /** One APPEND at a time per connection; James answers about as many at once as there are processors. */
    private static final int FILL_CONNECTIONS = 4;

    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration SYNC_LIMIT = Duration.ofMinutes(20);
    private static final Duration QUIET = Duration.ofSeconds(3);

    private final Options options;
    private final PrintStream out;
    private final AtomicLong postgresPeak = new AtomicLong();
    private final AtomicLong serverPeak = new AtomicLong();

    public SyncBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    public enum Protocol {
        IMAP,
        JMAP
    }

    public enum Server {
        JAMES,
        DOVECOT
    }

    public record Options(Server server, int messages, int runs, List<Protocol> protocols) {
        private static final Options DEFAULT = new Options(Server.JAMES, 10_000, 8, List.of());
        private static final int MESSAGES_MAX = 1_000_000;
        private static final int RUNS_MAX = 20;

        public Options {
            if (protocols.isEmpty()) {
                protocols = switch (server) {
                    case JAMES -> List.of(Protocol.values());
                    case DOVECOT -> List.of(Protocol.IMAP);
                };
            }
        }

        public static Options parse(Deque<String> rest) {
            Options parsed = Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--server" ->
                    new Options(Arguments.named(Server.class, value), options.messages, options.runs, List.of());
                case "--messages" ->
                    new Options(options.server, Arguments.number(value, MESSAGES_MAX), options.runs, options.protocols);
                case "--runs" ->
                    new Options(options.server, options.messages, Arguments.number(value, RUNS_MAX), options.protocols);
                case "--protocol" ->
                    new Options(
                            options.server,
                            options.messages,
                            options.runs,
                            List.of(Arguments.named(Protocol.class, value)));
                default -> throw Arguments.unknown(name);
            });
            if (parsed.server == Server.DOVECOT && parsed.protocols.contains(Protocol.JMAP)) {
                throw new IllegalArgumentException("Dovecot has no JMAP");
            }
            return parsed;
        }
    }

    /**
     * @param floor seconds, measured just before; over JMAP of a client that has three requests under way
     * @param floorByPages over JMAP that of a client that asks for page after page
     * @param firstRow seconds until the first email was there
     * @param busy share of all processors' time that was spent on work, ours and others'
     * @param cpu seconds by process
     */
    private record Run(
            Protocol protocol,
            int number,
            double floor,
            OptionalDouble floorByPages,
            double seconds,
            double firstRow,
            double busy,
            Map<String, Double> cpu) {
        double timesTheFloor() {
            return seconds / floor;
        }

        double timesTheFloorByPages() {
            return seconds / floorByPages.orElseThrow();
        }
    }

    @Override
    public void run() {
        try (Stage stage = start();
                MailServer server = server(stage);
                Connection database = stage.database()) {
            long bytes = fill(server);
            List<Run> runs = new ArrayList<>();
            for (Protocol protocol : options.protocols()) {
                // The first read warms the server up.
                floor(protocol, server);
                for (int number = 1; number <= options.runs(); number++) {
                    runs.add(measure(protocol, number, server, stage, database));
                }
            }
            print(bytes, runs, server, stage.postbus());
        } catch (SQLException e) {
            throw new IllegalStateException("the database could not be asked", e);
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

    /** Answers how many bytes the messages have. */
    private long fill(MailServer server) {
        long begin = System.nanoTime();
        MailCorpus corpus = new MailCorpus(SEED, server.user(), Instant.parse("2020-01-01T00:00:00Z"));
        BlockingQueue<MailCorpus.Mail> mails = new ArrayBlockingQueue<>(FILL_CONNECTIONS * 4);
        AtomicLong left = new AtomicLong(options.messages());
        AtomicLong bytes = new AtomicLong();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> appenders = new ArrayList<>();
            for (int i = 0; i < FILL_CONNECTIONS; i++) {
                appenders.add(CompletableFuture.runAsync(() -> append(server, mails, left, bytes), threads));
            }
            for (int i = 0; i < options.messages(); i++) {
                while (!mails.offer(corpus.next(), 10, TimeUnit.SECONDS)) {
                    appenders.stream()
                            .filter(CompletableFuture::isCompletedExceptionally)
                            .forEach(CompletableFuture::join);
                }
                if ((i + 1) % 1000 == 0) {
                    out.printf("  %d messages after %.0f s%n", i + 1, secondsSince(begin));
                }
            }
            appenders.forEach(CompletableFuture::join);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        double seconds = secondsSince(begin);
        out.printf(
                "Filled INBOX with %d messages, %.1f MB, in %.0f s (%.0f messages/s)%n",
                options.messages(), bytes.get() / 1e6, seconds, options.messages() / seconds);
        return bytes.get();
    }

    private static void append(
            MailServer server, BlockingQueue<MailCorpus.Mail> mails, AtomicLong left, AtomicLong bytes) {
        try (RawImap imap = server.logIn()) {
            while (left.getAndDecrement() > 0) {
                MailCorpus.Mail mail = mails.take();
                imap.append("INBOX", mail.flags(), mail.date(), mail.raw());
                bytes.addAndGet(mail.raw().length);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
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

    private Run measure(Protocol protocol, int number, MailServer server, Stage stage, Connection database)
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
                if (secondsSince(begin) > SYNC_LIMIT.toSeconds()) {
                    throw new IllegalStateException("not synchronised after " + SYNC_LIMIT.toMinutes() + " min");
                }
                LockSupport.parkNanos(POLL.toNanos());
                try (ResultSet row = progress.executeQuery()) {
                    if (row.next()) {
                        firstRow = firstRow == 0 && row.getBoolean(1) ? secondsSince(begin) : firstRow;
                        done = row.getBoolean(2);
                    }
                }
            }
        }
        double seconds = secondsSince(begin);
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
        return new Run(protocol, number, floor, floorByPages, seconds, firstRow, busy, cpu);
    }

    private void check(Protocol protocol, MailServer server, Connection database, AccountId account)
            throws SQLException {
        DatabaseState rows = DatabaseState.read(database, account);
        List<String> wrong = new ArrayList<>(rows.broken());
        wrong.addAll(rows.differencesFrom(rows.fold()));
        switch (protocol) {
            case IMAP -> {
                try (RawImap imap = server.logIn()) {
                    wrong.addAll(MailState.differences(ServerState.overImap(imap), rows.mail()));
                }
            }
            case JMAP -> {
                // Reading all of it once more over JMAP would take longer than the run.
                if (rows.mail().emails() != options.messages()) {
                    wrong.add(rows.mail().emails() + " emails instead of " + options.messages());
                }
            }
        }
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("the database is not what the server has:\n" + String.join("\n", wrong));
        }
    }

    /** The next run must not share the machine with the end of this one, nor with the sweeping of what it left in the tables. */
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
        try (Statement sweep = database.createStatement()) {
            sweep.execute("vacuum analyze");
        }
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

    private void print(long bytes, List<Run> runs, MailServer server, LocalPostbus postbus) {
        out.println();
        out.printf(
                "First synchronisation of %d messages, %.1f MB, from %s; %s.%n%n",
                options.messages(), bytes / 1e6, server.name(), Figures.machine());
        out.println(
                "| protocol | run | floor s | floor by pages s | first row s | all rows s | messages/s | times the floor | processors busy |");
        out.println("|---|---|---:|---:|---:|---:|---:|---:|---:|");
        for (Protocol protocol : options.protocols()) {
            List<Run> own =
                    runs.stream().filter(run -> run.protocol() == protocol).toList();
            own.forEach(run -> printLine(run, run.number() == 1 ? "1 (cold)" : Integer.toString(run.number())));
            printLine(median(warm(own)), "**median, warm**");
        }
        for (Protocol protocol : options.protocols()) {
            out.println();
            out.println(verdict(
                    protocol,
                    median(warm(runs.stream()
                            .filter(run -> run.protocol() == protocol)
                            .toList()))));
        }
        out.println();
        out.print("| process | peak memory MB |");
        runs.forEach(run -> out.print(" CPU s " + run.protocol() + " " + run.number() + " |"));
        out.println();
        out.println("|---|---:|" + "---:|".repeat(runs.size()));
        pids(server, postbus).forEach((name, pid) -> {
            long peak =
                    switch (name) {
                        case "PostgreSQL" -> postgresPeak.get();
                        case "mail server" -> serverPeak.get();
                        default -> ProcessUse.peakBytes(pid);
                    };
            out.printf("| %s | %d |", name, peak / (1024 * 1024));
            runs.forEach(run -> out.printf(" %.1f |", run.cpu().get(name)));
            out.println();
        });
    }

    /** Services run for weeks; the compilers of these processes are still at work in the first half. */
    private static List<Run> warm(List<Run> runs) {
        return runs.subList(runs.size() / 2, runs.size());
    }

    private String verdict(Protocol protocol, Run run) {
        return switch (options.server()) {
            case DOVECOT ->
                Figures.verdict(
                        "%s: %.1f times the floor, target at most %.1f"
                                .formatted(protocol, run.timesTheFloor(), DOVECOT_TIMES_THE_FLOOR_MAX),
                        run.timesTheFloor() <= DOVECOT_TIMES_THE_FLOOR_MAX);
            case JAMES ->
                switch (protocol) {
                    case JMAP ->
                        Figures.verdict(
                                "JMAP: %.2f times the floor of a client that asks for page after page, target at most %.1f; %.2f times that of one with three requests under way"
                                        .formatted(
                                                run.timesTheFloorByPages(),
                                                JMAP_TIMES_THE_FLOOR_MAX,
                                                run.timesTheFloor()),
                                run.timesTheFloorByPages() <= JMAP_TIMES_THE_FLOOR_MAX);
                    case IMAP -> {
                        double speed = options.messages() / run.seconds();
                        yield Figures.verdict(
                                "IMAP: %.0f messages/s, target at least %.0f"
                                        .formatted(speed, JAMES_MESSAGES_PER_SECOND_MIN),
                                speed >= JAMES_MESSAGES_PER_SECOND_MIN);
                    }
                };
        };
    }

    private void printLine(Run run, String name) {
        out.printf(
                "| %s | %s | %.2f | %s | %.2f | %.2f | %.0f | %.1f | %.0f %% |%n",
                run.protocol(),
                name,
                run.floor(),
                run.floorByPages().isPresent()
                        ? "%.2f".formatted(run.floorByPages().getAsDouble())
                        : "",
                run.firstRow(),
                run.seconds(),
                options.messages() / run.seconds(),
                run.timesTheFloor(),
                run.busy() * 100);
    }

    /** The run in the middle by its time; of an even number the slower one. */
    private static Run median(List<Run> runs) {
        return runs.stream()
                .sorted(Comparator.comparingDouble(Run::seconds))
                .toList()
                .get(runs.size() / 2);
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }
}
