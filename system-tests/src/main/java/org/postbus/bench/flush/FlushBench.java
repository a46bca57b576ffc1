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
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.options.Server;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.MailboxFill;
import org.postbus.bench.stage.Stage;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.James;
import org.postbus.model.AccountId;

/**
 * Measures mutations on their way to the server. Many at once: from the API's last response until all are confirmed, beside a raw client
 * that makes the same changes with the fewest commands. One at a time: from the request until another client reads the change from the
 * server, beside a raw client that changes the same email.
 */
public final class FlushBench implements Runnable {
    private static final James.User JAMES_USER = James.User.of("alice", "bench-password");

    private static final long SEED = 2026;
    private static final String SINGLE = "single";
    private static final String SINGLE_FLOOR = "single-floor";
    private static final int BATCH = 1_000;
    private static final int WARM_UP = 20;
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Duration SINGLE_LIMIT = Duration.ofSeconds(60);
    /** Pause between two reads of the other client. */
    private static final Duration READ_INTERVAL = Duration.ofMillis(1);

    private final FlushOptions options;
    private final PrintStream out;

    public FlushBench(FlushOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        List<FlushResult> results = new ArrayList<>();
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
            throw new IllegalStateException("a database query failed", e);
        }
        new FlushTable(options.emails(), out).print(results);
    }

    private FlushResult overImap(Stage stage, Connection database) throws SQLException {
        try (MailServer.OfDovecot dovecot = MailServer.OfDovecot.start(stage.log("dovecot"))) {
            fill(dovecot);
            AccountId account = dovecot.add(stage.api(), Protocol.IMAP);
            stage.awaitIdle(account, LIMIT);
            try (RawClient other = new RawClient.OverImap(dovecot);
                    RawClient actor = new RawClient.OverImap(dovecot)) {
                return measure("Dovecot over IMAP", stage, database, account, other, actor);
            } finally {
                stage.api().delete("accounts/" + account);
            }
        }
    }

    private FlushResult overJmap(Stage stage, Connection database) throws SQLException {
        MailServer.OfJames james = new MailServer.OfJames(stage.postbus().james(), JAMES_USER);
        fill(james);
        AccountId account = james.add(stage.api(), Protocol.JMAP);
        stage.awaitIdle(account, LIMIT);
        try (RawClient other = new RawClient.OverJmap(james);
                RawClient actor = new RawClient.OverJmap(james)) {
            return measure("James over JMAP", stage, database, account, other, actor);
        }
    }

    private void fill(MailServer server) {
        MailboxFill.fill(
                server,
                options.emails(),
                number -> new MailCorpus.Mail(
                        "<n" + number + "@example.org>", "number " + number, Instant.now(), Set.of(), message(number)),
                out);
    }

    private static byte[] message(int number) {
        return ("From: sender@example.org\r\nSubject: number " + number + "\r\nMessage-ID: <n" + number
                        + "@example.org>\r\n\r\nSome text.\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private FlushResult measure(
            String server, Stage stage, Connection database, AccountId account, RawClient other, RawClient actor)
            throws SQLException {
        List<JsonNode> emails = stage.api().emails(account);
        List<FlushResult.Run> runs = new ArrayList<>();
        for (int number = 1; number <= options.runs(); number++) {
            long begin = System.nanoTime();
            other.setOnAll("floor-" + number);
            double floor = Figures.secondsSince(begin);
            // The mutations must not wait for the sync of the floor's changes.
            awaitSeen(database, account, emails.size(), "floor-" + number);
            runs.add(many(stage, database, account, emails, "mutation-" + number, floor));
            FlushResult.Run run = runs.getLast();
            out.printf(
                    "%s run %d: floor %.2f s, accepted in %.2f s, confirmed %.2f s later%n",
                    server, number, run.floor(), run.accepted(), run.confirmed());
        }
        return new FlushResult(server, runs, single(stage, database, account, emails, other, actor));
    }

    private FlushResult.Run many(
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
        double accepted = Figures.secondsSince(begin);
        long lastResponse = System.nanoTime();
        Stage.await("all mutations are confirmed", LIMIT, () -> open(database, account) == 0);
        double confirmed = Figures.secondsSince(lastResponse);
        awaitSeen(database, account, emails.size(), keyword);
        return new FlushResult.Run(floor, accepted, confirmed);
    }

    /**
     * The number of open mutations.
     *
     * @throws IllegalStateException if a mutation was not applied
     */
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
                            row.getLong(2) + " mutations were not applied: " + row.getString(3));
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
            Stage.await("the database has " + keyword, LIMIT, () -> {
                try (ResultSet row = count.executeQuery()) {
                    row.next();
                    return row.getLong(1) == emails;
                }
            });
        }
    }

    private FlushResult.Single single(
            Stage stage,
            Connection database,
            AccountId account,
            List<JsonNode> emails,
            RawClient other,
            RawClient actor)
            throws SQLException {
        List<JsonNode> shuffled = new ArrayList<>(emails);
        Collections.shuffle(shuffled, new Random(SEED));
        int count = Math.min(options.single(), emails.size() - WARM_UP);
        var single = new FlushResult.Single(new double[count], new double[count], new double[count]);
        for (int number = -WARM_UP; number < count; number++) {
            JsonNode email = shuffled.get(number + WARM_UP);
            String messageId = email.at("/messageId/0").asText();
            long begin = System.nanoTime();
            stage.api().mutate(account, email.get("id").asText(), Map.of("keywords", Map.of(SINGLE, true)));
            awaitOn(other, messageId, SINGLE, begin);
            double mutation = Figures.secondsSince(begin);
            Stage.await("the mutation is confirmed", LIMIT, () -> open(database, account) == 0);
            long floorBegin = System.nanoTime();
            actor.set(messageId, SINGLE_FLOOR);
            double responded = Figures.secondsSince(floorBegin);
            awaitOn(other, messageId, SINGLE_FLOOR, floorBegin);
            double floor = Figures.secondsSince(floorBegin);
            // The next mutation must not wait for the sync of the floor's change.
            awaitSeen(database, account, number + WARM_UP + 1, SINGLE_FLOOR);
            if (number >= 0) {
                single.mutation()[number] = mutation * 1e3;
                single.floor()[number] = floor * 1e3;
                single.responded()[number] = responded * 1e3;
            }
        }
        return single;
    }

    private static void awaitOn(RawClient other, String messageId, String keyword, long begin) {
        while (!other.has(messageId, keyword)) {
            if (Figures.secondsSince(begin) > SINGLE_LIMIT.toSeconds()) {
                throw new IllegalStateException(keyword + " is not on the server after " + SINGLE_LIMIT);
            }
            LockSupport.parkNanos(READ_INTERVAL.toNanos());
        }
    }
}
