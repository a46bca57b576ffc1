package org.postbus.bench.unchanged;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postbus.bench.floor.PlainImap;
import org.postbus.bench.measure.CountingProxy;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;
import org.postbus.observation.Cursor;

/**
 * Measures a sync pass over an account without changes: one large mailbox on Dovecot whose messages are all in the database. Beside the
 * least command that shows whether anything changed: one LIST with the STATUS of all mailboxes, on an open raw connection.
 *
 * <p>Postbus does not read the messages; the benchmark inserts their rows and the cursor as an initial sync would. It fails if a pass
 * finds changes.
 */
public final class UnchangedBench implements Runnable {
    private static final Duration PASS_MAX = Duration.ofMillis(50);
    private static final int ROUND_TRIPS_MAX = 5;

    private static final int WARM_UP = 50;
    private static final int PER_COMMAND = 1000;
    private static final Duration WAIT = Duration.ofMinutes(2);
    private static final String SCOPE = "mailbox:name:INBOX";
    /** The fetcher's command to Dovecot. */
    private static final String LIST = "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS"
            + " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))";

    private final UnchangedOptions options;
    private final PrintStream out;

    public UnchangedBench(UnchangedOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    private record Pass(Duration took, List<CountingProxy.RoundTrip> roundTrips) {
        long commands() {
            return roundTrips.stream()
                    .mapToLong(roundTrip -> roundTrip.commands().size())
                    .sum();
        }
    }

    @Override
    public void run() {
        try (Stage stage = Stage.start(out);
                MailServer.OfDovecot server = MailServer.OfDovecot.start(stage.log("dovecot"));
                CountingProxy proxy = new CountingProxy(server.imapPort());
                Connection database = stage.database()) {
            AccountId account =
                    stage.api().addImapAccount(MailServer.HOST, proxy.port(), server.user(), server.password());
            stage.awaitIdle(account, WAIT);
            stage.postbus().services().stop("fetcher-1");
            fill(server);
            insertSyncedState(server, database, account);
            long changes = emailChanges(database, account);
            stage.postbus().services().restart("fetcher-1");
            List<Pass> passes = passes(stage, proxy, database, account);
            if (emailChanges(database, account) != changes) {
                throw new IllegalStateException("a sync pass found changes in the unchanged mailbox");
            }
            print(passes, floor(server));
        } catch (SQLException e) {
            throw new IllegalStateException("a database query failed", e);
        }
    }

    /** By MULTIAPPEND (RFC 3502) with non-synchronizing literals (RFC 7888). */
    private void fill(MailServer server) {
        long begin = System.nanoTime();
        String message = "From: sender@example.org\r\nSubject: One of many\r\n\r\nShort.\r\n";
        byte[] literal = (" (\\Seen) {" + message.length() + "+}\r\n" + message).getBytes(StandardCharsets.US_ASCII);
        try (PlainImap imap = PlainImap.logIn(server)) {
            for (int left = options.messages(); left > 0; left -= PER_COMMAND) {
                imap.begin("APPEND INBOX");
                for (int i = 0; i < Math.min(left, PER_COMMAND); i++) {
                    imap.write(literal);
                }
                imap.end();
            }
        }
        out.printf("Filled INBOX with %d messages in %.0f s%n", options.messages(), Figures.secondsSince(begin));
    }

    private void insertSyncedState(MailServer server, Connection database, AccountId account) throws SQLException {
        RawImap.Selected selected;
        try (RawImap imap = server.logIn()) {
            selected = imap.select("INBOX");
        }
        if (selected.exists() != options.messages() || selected.uidNext() != options.messages() + 1) {
            throw new IllegalStateException("INBOX does not hold the appended messages: " + selected);
        }
        execute(database, """
                insert into email (account_id, email_id, tenant_id, thread_id, message_id, size, received_at, headers, subject,
                                   has_attachment, preview)
                select account_id, gen_random_uuid(), tenant_id, gen_random_uuid(), 'unchanged-' || n, 100, now(),
                       '{}', 'One of many', false, 'Short.'
                from account, generate_series(1, ?) n where account_id = ?""", options.messages(), account.value());
        execute(database, """
                insert into email_mailbox (account_id, mailbox_id, uid, email_id, tenant_id, uidvalidity, modseq, received_at)
                select e.account_id, m.mailbox_id, split_part(e.message_id, '-', 2)::bigint, e.email_id, e.tenant_id, ?, 1,
                       e.received_at
                from email e join mailbox m on m.account_id = e.account_id and m.role = 'inbox'
                where e.account_id = ?""", selected.uidValidity(), account.value());
        Cursor cursor =
                new Cursor.Imap(selected.uidValidity(), selected.uidNext(), Optional.of(selected.highestModSeq()), 1);
        int cursors = execute(
                database,
                "update sync_state set cursor = ?::jsonb where scope = ? and account_id = ?",
                EventCodec.encodeToString(cursor),
                SCOPE,
                account.value());
        if (cursors != 1) {
            throw new IllegalStateException("there is no cursor " + SCOPE);
        }
        execute(database, "analyze email");
        execute(database, "analyze email_mailbox");
    }

    /** The fetcher reports every requested pass, and the writer stores its times in {@code sync_log}. */
    private List<Pass> passes(Stage stage, CountingProxy proxy, Connection database, AccountId account)
            throws SQLException {
        stage.awaitIdle(account, WAIT);
        List<Pass> passes = new ArrayList<>();
        for (int number = 0; number < WARM_UP + options.passes(); number++) {
            Instant before = Instant.now();
            stage.api().post("accounts/" + account + "/sync", "").expect(202);
            List<Pass> reported = new ArrayList<>();
            Stage.await("a sync pass is reported", WAIT, () -> {
                passSince(proxy, database, account, before).ifPresent(reported::add);
                return !reported.isEmpty();
            });
            if (number >= WARM_UP) {
                passes.add(reported.getFirst());
            }
        }
        return passes;
    }

    private static Optional<Pass> passSince(CountingProxy proxy, Connection database, AccountId account, Instant since)
            throws SQLException {
        try (PreparedStatement log = database.prepareStatement("select started_at, finished_at from sync_log"
                + " where account_id = ? and started_at >= ? order by started_at limit 1")) {
            log.setObject(1, account.value());
            log.setObject(2, OffsetDateTime.ofInstant(since, ZoneOffset.UTC));
            try (ResultSet row = log.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                Instant started = row.getObject(1, OffsetDateTime.class).toInstant();
                Instant finished = row.getObject(2, OffsetDateTime.class).toInstant();
                return Optional.of(new Pass(Duration.between(started, finished), proxy.between(started, finished)));
            }
        }
    }

    /** Milliseconds of each LIST. */
    private double[] floor(MailServer server) {
        try (PlainImap imap = PlainImap.logIn(server)) {
            double[] millis = new double[options.passes()];
            for (int i = -WARM_UP; i < millis.length; i++) {
                long begin = System.nanoTime();
                imap.command(LIST);
                if (i >= 0) {
                    millis[i] = Figures.secondsSince(begin) * 1e3;
                }
            }
            return millis;
        }
    }

    private static long emailChanges(Connection database, AccountId account) throws SQLException {
        try (PreparedStatement count = database.prepareStatement(
                "select count(*) from change_log where account_id = ? and type like 'email.%'")) {
            count.setObject(1, account.value());
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private static int execute(Connection database, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.execute();
            return statement.getUpdateCount();
        }
    }

    private void print(List<Pass> passes, double[] floor) {
        double[] millis =
                passes.stream().mapToDouble(pass -> pass.took().toNanos() / 1e6).toArray();
        long roundTrips = passes.stream()
                .mapToLong(pass -> pass.roundTrips().size())
                .max()
                .orElse(0);
        long commands = passes.stream().mapToLong(Pass::commands).max().orElse(0);
        double floorMillis = Figures.percentile(floor, 50);
        double took = Figures.percentile(millis, 50);
        out.println();
        out.printf(
                "A sync pass over %d unchanged messages on Dovecot, %d times; %s.%n%n",
                options.messages(), passes.size(), Figures.machine());
        out.println("| | ms p50 | ms p99 | round trips | commands | times the floor |");
        out.println("|---|---:|---:|---:|---:|---:|");
        out.printf("| floor: LIST with STATUS | %.1f | %.1f | 1 | 1 | |%n", floorMillis, Figures.percentile(floor, 99));
        out.printf(
                "| pass | %.1f | %.1f | %d | %d | %.1f |%n",
                took, Figures.percentile(millis, 99), roundTrips, commands, took / floorMillis);
        out.println();
        out.println(Figures.verdict(
                "%.1f ms (p50), target under %d ms".formatted(took, PASS_MAX.toMillis()), took < PASS_MAX.toMillis()));
        out.println();
        out.println(Figures.verdict(
                "%d round trips, target at most %d".formatted(roundTrips, ROUND_TRIPS_MAX),
                roundTrips <= ROUND_TRIPS_MAX));
        out.println();
        out.println("Commands of the last pass: "
                + passes.getLast().roundTrips().stream()
                        .flatMap(roundTrip -> roundTrip.commands().stream())
                        .toList());
    }
}
