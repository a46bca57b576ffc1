package org.postbus.bench.flush;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.bench.sync.SyncBench.Server;
import org.postbus.bench.sync.SyncBench;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawJmap;
import org.postbus.event.EventCodec;
import org.postbus.model.AccountId;

/**
 * Wishes on their way out. Many at once: from the API's answer until the last is confirmed, beside a raw client that gives the server
 * the fewest commands for the same changes. One at a time: from the request until the server shows the change to somebody else, beside
 * a raw client that changes the same email.
 */
public final class FlushBench implements Runnable {
    private static final double TIMES_THE_FLOOR_MAX = 3;
    private static final double SINGLE_MILLIS_MAX = 25;
    private static final James.User JAMES_USER = James.User.of("alice", "bench-password");

    private static final long SEED = 2026;
    private static final String SINGLE = "single";
    private static final String SINGLE_FLOOR = "single-floor";
    private static final int BATCH = 1_000;
    private static final int FILL_CONNECTIONS = 4;
    private static final int JMAP_SET = 500;
    private static final int WARM_UP = 20;
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Duration SINGLE_LIMIT = Duration.ofSeconds(60);
    /** Between the looks of the other client. */
    private static final Duration LOOK = Duration.ofMillis(1);

    private final Options options;
    private final PrintStream out;

    public FlushBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    public record Options(Set<Server> servers, int emails, int runs, int single) {
        private static final Options DEFAULT = new Options(EnumSet.allOf(Server.class), 10_000, 3, 200);
        private static final int MAX = 1_000_000;
        private static final int RUNS_MAX = 20;

        public static Options parse(Deque<String> rest) {
            return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--server" ->
                    new Options(
                            EnumSet.of(Arguments.named(Server.class, value)),
                            options.emails,
                            options.runs,
                            options.single);
                case "--emails" ->
                    new Options(options.servers, Arguments.number(value, MAX), options.runs, options.single);
                case "--runs" ->
                    new Options(options.servers, options.emails, Arguments.number(value, RUNS_MAX), options.single);
                case "--single" ->
                    new Options(options.servers, options.emails, options.runs, Arguments.number(value, MAX));
                default -> throw Arguments.unknown(name);
            });
        }
    }

    /** Somebody else's program on the same server. */
    private interface Other extends AutoCloseable {
        /** Sets a keyword on all emails with as few commands as can be. */
        void setOnAll(String keyword);

        /** With one command for one email, until its answer. By Message-ID, which is how both sides know an email. */
        void set(String messageId, String keyword);

        boolean has(String messageId, String keyword);

        @Override
        void close();
    }

    private static final class OverImap implements Other {
        private final RawImap imap;
        private final Map<String, Long> uids = new LinkedHashMap<>();

        private OverImap(MailServer server) {
            imap = server.logIn();
            imap.select("INBOX");
            imap.fetchAll().forEach(message -> uids.put(message.messageId().orElseThrow(), message.uid()));
        }

        @Override
        public void setOnAll(String keyword) {
            imap.addFlags(uids.values(), keyword);
        }

        @Override
        public void set(String messageId, String keyword) {
            imap.addFlags(List.of(uids.get("<" + messageId + ">")), keyword);
        }

        @Override
        public boolean has(String messageId, String keyword) {
            return imap.fetch(uids.get("<" + messageId + ">").toString()).stream()
                    .anyMatch(message -> message.flags().contains(keyword));
        }

        @Override
        public void close() {
            imap.close();
        }
    }

    private static final class OverJmap implements Other {
        private final RawJmap jmap;
        private final Map<String, String> ids = new LinkedHashMap<>();

        private OverJmap(MailServer.OfJames server) {
            jmap = RawJmap.login(
                    server.sessionUrl(), server.user(), server.password().reveal());
            jmap.emails(jmap.emailIds(), "id", "messageId")
                    .forEach(email -> ids.put(
                            email.at("/messageId/0").asText(), email.get("id").asText()));
        }

        @Override
        public void setOnAll(String keyword) {
            List<String> all = List.copyOf(ids.values());
            for (int from = 0; from < all.size(); from += JMAP_SET) {
                Map<String, Map<String, Object>> patches = new LinkedHashMap<>();
                all.subList(from, Math.min(all.size(), from + JMAP_SET))
                        .forEach(id -> patches.put(id, Map.of("keywords/" + keyword, true)));
                jmap.update(patches);
            }
        }

        @Override
        public void set(String messageId, String keyword) {
            jmap.update(Map.of(ids.get(messageId), Map.of("keywords/" + keyword, true)));
        }

        /** While it writes an email, James refuses now and then to read it. */
        @Override
        public boolean has(String messageId, String keyword) {
            try {
                return jmap.emails(List.of(ids.get(messageId)), "keywords")
                        .getFirst()
                        .at("/keywords/" + keyword)
                        .asBoolean();
            } catch (RawJmap.RefusedException e) {
                return false;
            }
        }

        @Override
        public void close() {
            jmap.close();
        }
    }

    /**
     * @param floor seconds
     * @param answered seconds that the API took to take them in
     * @param confirmed seconds from its last answer until nothing was open
     */
    private record Run(double floor, double answered, double confirmed) {
        double timesTheFloor() {
            return confirmed / floor;
        }
    }

    /**
     * Milliseconds of single changes of the same emails, one entry for each.
     *
     * @param wish from the PATCH until another client sees it on the server
     * @param floor the same of a raw client's command
     * @param answered until the raw client has its answer
     */
    private record Single(double[] wish, double[] floor, double[] answered) {}

    private record Result(String server, List<Run> runs, Single single) {}

    @Override
    public void run() {
        List<Result> results = new ArrayList<>();
        try (Stage stage = Stage.start(List.of(JAMES_USER), settings -> settings.jamesHeap("2g"), out);
                Connection database = stage.database()) {
            for (Server server : options.servers()) {
                results.add(
                        switch (server) {
                            case JAMES -> overJmap(stage, database);
                            case DOVECOT -> overImap(stage, database);
                        });
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the database could not be asked", e);
        }
        print(results);
    }

    private Result overImap(Stage stage, Connection database) throws SQLException {
        try (MailServer.OfDovecot dovecot = MailServer.OfDovecot.start(stage.log("dovecot"))) {
            fill(dovecot);
            AccountId account = dovecot.add(stage.api(), SyncBench.Protocol.IMAP);
            stage.awaitIdle(account, LIMIT);
            try (Other other = new OverImap(dovecot);
                    Other actor = new OverImap(dovecot)) {
                return measure("Dovecot over IMAP", stage, database, account, other, actor);
            } finally {
                stage.api().delete("accounts/" + account);
            }
        }
    }

    private Result overJmap(Stage stage, Connection database) throws SQLException {
        MailServer.OfJames james = new MailServer.OfJames(stage.postbus().james(), JAMES_USER);
        fill(james);
        AccountId account = james.add(stage.api(), SyncBench.Protocol.JMAP);
        stage.awaitIdle(account, LIMIT);
        try (Other other = new OverJmap(james);
                Other actor = new OverJmap(james)) {
            return measure("James over JMAP", stage, database, account, other, actor);
        }
    }

    private void fill(MailServer server) {
        AtomicInteger next = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> appenders = new ArrayList<>();
            for (int i = 0; i < FILL_CONNECTIONS; i++) {
                appenders.add(CompletableFuture.runAsync(
                        () -> {
                            try (RawImap imap = server.logIn()) {
                                for (int n = next.getAndIncrement(); n < options.emails(); n = next.getAndIncrement()) {
                                    imap.append("INBOX", Set.of(), Instant.now(), message(n));
                                }
                            }
                        },
                        threads));
            }
            appenders.forEach(CompletableFuture::join);
        }
        out.printf("Filled %s with %d messages%n", server.name(), options.emails());
    }

    private static byte[] message(int number) {
        return ("From: somebody@example.org\r\nSubject: number " + number + "\r\nMessage-ID: <n" + number
                        + "@example.org>\r\n\r\nSome text.\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private Result measure(String server, Stage stage, Connection database, AccountId account, Other other, Other actor)
            throws SQLException {
        List<JsonNode> emails = stage.api().emails(account);
        List<Run> runs = new ArrayList<>();
        for (int number = 1; number <= options.runs(); number++) {
            long begin = System.nanoTime();
            other.setOnAll("floor-" + number);
            double floor = secondsSince(begin);
            // What the floor has changed is not ours to wait for.
            awaitSeen(database, account, emails.size(), "floor-" + number);
            runs.add(many(stage, database, account, emails, "wish-" + number, floor));
            Run run = runs.getLast();
            out.printf(
                    "%s run %d: floor %.2f s, taken in %.2f s, confirmed %.2f s later%n",
                    server, number, run.floor(), run.answered(), run.confirmed());
        }
        return new Result(server, runs, single(stage, database, account, emails, other, actor));
    }

    private Run many(
            Stage stage, Connection database, AccountId account, List<JsonNode> emails, String keyword, double floor)
            throws SQLException {
        long begin = System.nanoTime();
        for (int from = 0; from < emails.size(); from += BATCH) {
            ObjectNode body = EventCodec.mapper().createObjectNode();
            ObjectNode update = body.putObject("update");
            emails.subList(from, Math.min(emails.size(), from + BATCH))
                    .forEach(email -> update.putObject(email.get("id").asText())
                            .putObject("keywords")
                            .put(keyword, true));
            stage.api().post("accounts/" + account + "/emails/batch", body).expect(202);
        }
        double answered = secondsSince(begin);
        long answer = System.nanoTime();
        Stage.await("all wishes are confirmed", LIMIT, () -> open(database, account) == 0);
        double confirmed = secondsSince(answer);
        awaitSeen(database, account, emails.size(), keyword);
        return new Run(floor, answered, confirmed);
    }

    /** @throws IllegalStateException if one has ended otherwise */
    private static long open(Connection database, AccountId account) throws SQLException {
        try (PreparedStatement count = database.prepareStatement("""
                select count(*) filter (where state in ('queued', 'sending', 'applied')),
                       count(*) filter (where state in ('rejected', 'failed', 'in-doubt')), min(error)
                from pending_changes where account_id = ?""")) {
            count.setObject(1, account.value());
            try (ResultSet row = count.executeQuery()) {
                row.next();
                if (row.getLong(2) > 0) {
                    throw new IllegalStateException(
                            row.getLong(2) + " wishes were not carried out: " + row.getString(3));
                }
                return row.getLong(1);
            }
        }
    }

    private static void awaitSeen(Connection database, AccountId account, int emails, String keyword)
            throws SQLException {
        try (PreparedStatement count =
                database.prepareStatement("select count(*) from email where account_id = ? and ? = any (keywords)")) {
            count.setObject(1, account.value());
            count.setString(2, keyword);
            Stage.await("the database has seen " + keyword, LIMIT, () -> {
                try (ResultSet row = count.executeQuery()) {
                    row.next();
                    return row.getLong(1) == emails;
                }
            });
        }
    }

    private Single single(
            Stage stage, Connection database, AccountId account, List<JsonNode> emails, Other other, Other actor)
            throws SQLException {
        List<JsonNode> shuffled = new ArrayList<>(emails);
        Collections.shuffle(shuffled, new Random(SEED));
        int count = Math.min(options.single(), emails.size() - WARM_UP);
        var single = new Single(new double[count], new double[count], new double[count]);
        for (int number = -WARM_UP; number < count; number++) {
            JsonNode email = shuffled.get(number + WARM_UP);
            String messageId = email.at("/messageId/0").asText();
            long begin = System.nanoTime();
            stage.api().wish(account, email.get("id").asText(), Map.of("keywords", Map.of(SINGLE, true)));
            awaitOn(other, messageId, SINGLE, begin);
            double wish = secondsSince(begin);
            Stage.await("the wish is confirmed", LIMIT, () -> open(database, account) == 0);
            long floorBegin = System.nanoTime();
            actor.set(messageId, SINGLE_FLOOR);
            double answered = secondsSince(floorBegin);
            awaitOn(other, messageId, SINGLE_FLOOR, floorBegin);
            double floor = secondsSince(floorBegin);
            // What the floor has changed is not the next wish's to wait for.
            awaitSeen(database, account, number + WARM_UP + 1, SINGLE_FLOOR);
            if (number >= 0) {
                single.wish()[number] = wish * 1e3;
                single.floor()[number] = floor * 1e3;
                single.answered()[number] = answered * 1e3;
            }
        }
        return single;
    }

    private static void awaitOn(Other other, String messageId, String keyword, long begin) {
        while (!other.has(messageId, keyword)) {
            if (secondsSince(begin) > SINGLE_LIMIT.toSeconds()) {
                throw new IllegalStateException(keyword + " is not on the server after " + SINGLE_LIMIT);
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private void print(List<Result> results) {
        out.println();
        out.printf("%d keyword changes at once; %s.%n%n", options.emails(), Figures.machine());
        out.println("| server | run | floor s | taken in s | confirmed s after | times the floor |");
        out.println("|---|---:|---:|---:|---:|---:|");
        for (Result result : results) {
            for (int i = 0; i < result.runs().size(); i++) {
                Run run = result.runs().get(i);
                out.printf(
                        "| %s | %d | %.2f | %.2f | %.2f | %.1f |%n",
                        result.server(), i + 1, run.floor(), run.answered(), run.confirmed(), run.timesTheFloor());
            }
        }
        out.println();
        for (Result result : results) {
            double times = Figures.percentile(
                    result.runs().stream().mapToDouble(Run::timesTheFloor).toArray(), 50);
            out.println(Figures.verdict(
                    "%s: %.1f times the floor (median), target at most %.0f"
                            .formatted(result.server(), times, TIMES_THE_FLOOR_MAX),
                    times <= TIMES_THE_FLOOR_MAX));
            out.println();
        }
        out.println(
                "One wish at a time, from the PATCH until another client sees it on the server; floor: from a raw client's command"
                        + " until then, answered: until its answer.");
        out.println();
        out.println("| server | wishes | ms p50 | p99 | floor p50 | p99 | answered p50 | times the floor p50 |");
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (Result result : results) {
            Single single = result.single();
            out.printf(
                    "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |%n",
                    result.server(),
                    single.wish().length,
                    Figures.percentile(single.wish(), 50),
                    Figures.percentile(single.wish(), 99),
                    Figures.percentile(single.floor(), 50),
                    Figures.percentile(single.floor(), 99),
                    Figures.percentile(single.answered(), 50),
                    Figures.percentile(single.wish(), 50) / Figures.percentile(single.floor(), 50));
        }
        out.println();
        for (Result result : results) {
            double p50 = Figures.percentile(result.single().wish(), 50);
            out.println(Figures.verdict(
                    "%s: %.1f ms (p50), target below %.0f ms".formatted(result.server(), p50, SINGLE_MILLIS_MAX),
                    p50 < SINGLE_MILLIS_MAX));
            out.println();
        }
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
