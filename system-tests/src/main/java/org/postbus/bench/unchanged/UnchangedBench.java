package org.postbus.bench.unchanged;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.postbus.bench.measure.CountingProxy;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.event.Cursor;
import org.postbus.event.EventCodec;
import org.postbus.model.AccountId;

/**
 * A look at an account in which nothing has changed: one mailbox with very many messages on Dovecot, all of them known. Beside the
 * least that tells whether anything changed: one LIST with the STATUS of all mailboxes, on a raw connection that is open.
 *
 * <p>The messages are not read by Postbus; their rows and the cursor are put into the database as a first synchronisation would have
 * left them. That the looks then find nothing is checked.
 */
public final class UnchangedBench implements Runnable {
    private static final Duration PASS_MAX = Duration.ofMillis(50);
    private static final int ROUND_TRIPS_MAX = 5;

    private static final int WARM_UP = 50;
    private static final int PER_COMMAND = 1000;
    private static final Duration WAIT = Duration.ofMinutes(2);
    private static final String SCOPE = "mailbox:name:INBOX";
    /** What the fetcher asks Dovecot. */
    private static final String LIST = "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS"
            + " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))";

    private final Options options;
    private final PrintStream out;

    public UnchangedBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    public record Options(int messages, int passes) {
        private static final Options DEFAULT = new Options(200_000, 100);
        private static final int MESSAGES_MAX = 2_000_000;
        private static final int PASSES_MAX = 10_000;

        public static Options parse(Deque<String> rest) {
            return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--messages" -> new Options(Arguments.number(value, MESSAGES_MAX), options.passes);
                case "--passes" -> new Options(options.messages, Arguments.number(value, PASSES_MAX));
                default -> throw Arguments.unknown(name);
            });
        }
    }

    private record Pass(Duration took, List<CountingProxy.Asked> roundTrips) {
        long commands() {
            return roundTrips.stream()
                    .mapToLong(asked -> asked.commands().size())
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
            pretendSynchronised(server, database, account);
            long changes = emailChanges(database, account);
            stage.postbus().services().restart("fetcher-1");
            List<Pass> passes = passes(stage, proxy, database, account);
            if (emailChanges(database, account) != changes) {
                throw new IllegalStateException("the looks found something: they were not at an unchanged mailbox");
            }
            print(passes, floor(server));
        } catch (SQLException e) {
            throw new IllegalStateException("the database could not be asked", e);
        }
    }

    /** Many messages with one command each time (RFC 3502), without waiting to be asked for each (RFC 7888). */
    private void fill(MailServer server) {
        long begin = System.nanoTime();
        byte[] message = ("From: somebody@example.org\r\nSubject: One of many\r\n\r\n" + "Short.\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket(MailServer.HOST, server.imapPort())) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 256 * 1024);
            command(
                    in,
                    out,
                    "LOGIN \"" + server.user() + "\" \"" + server.password().reveal() + "\"");
            byte[] literal = (" (\\Seen) {" + message.length + "+}\r\n"
                            + new String(message, StandardCharsets.US_ASCII))
                    .getBytes(StandardCharsets.US_ASCII);
            for (int left = options.messages(); left > 0; left -= PER_COMMAND) {
                out.write("f APPEND INBOX".getBytes(StandardCharsets.US_ASCII));
                for (int i = 0; i < Math.min(left, PER_COMMAND); i++) {
                    out.write(literal);
                }
                out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
                out.flush();
                awaitOk(in, "f");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.out.printf(
                "Filled INBOX with %d messages in %.0f s%n", options.messages(), (System.nanoTime() - begin) / 1e9);
    }

    private void pretendSynchronised(MailServer server, Connection database, AccountId account) throws SQLException {
        RawImap.Selected selected;
        try (RawImap imap = server.logIn()) {
            selected = imap.select("INBOX");
        }
        if (selected.exists() != options.messages() || selected.uidNext() != options.messages() + 1) {
            throw new IllegalStateException("INBOX is not as it was filled: " + selected);
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

    /** A look that is asked for is always told to the writer, which notes when it began and ended. */
    private List<Pass> passes(Stage stage, CountingProxy proxy, Connection database, AccountId account)
            throws SQLException {
        stage.awaitIdle(account, WAIT);
        List<Pass> passes = new ArrayList<>();
        for (int number = 0; number < WARM_UP + options.passes(); number++) {
            Instant before = Instant.now();
            stage.api().post("accounts/" + account + "/sync", "").expect(202);
            List<Pass> told = new ArrayList<>();
            Stage.await("a look was had", WAIT, () -> {
                passSince(proxy, database, account, before).ifPresent(told::add);
                return !told.isEmpty();
            });
            if (number >= WARM_UP) {
                passes.add(told.getFirst());
            }
        }
        return passes;
    }

    private static Optional<Pass> passSince(CountingProxy proxy, Connection database, AccountId account, Instant since)
            throws SQLException {
        try (PreparedStatement log = database.prepareStatement("select started_at, finished_at from sync_log"
                + " where account_id = ? and started_at >= ? order by started_at limit 1")) {
            log.setObject(1, account.value());
            log.setObject(2, OffsetDateTime.ofInstant(since, java.time.ZoneOffset.UTC));
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

    private double[] floor(MailServer server) {
        try (Socket socket = new Socket(MailServer.HOST, server.imapPort())) {
            socket.setTcpNoDelay(true);
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            OutputStream out = new BufferedOutputStream(socket.getOutputStream());
            command(
                    in,
                    out,
                    "LOGIN \"" + server.user() + "\" \"" + server.password().reveal() + "\"");
            double[] millis = new double[options.passes()];
            for (int i = -WARM_UP; i < millis.length; i++) {
                long begin = System.nanoTime();
                command(in, out, LIST);
                if (i >= 0) {
                    millis[i] = (System.nanoTime() - begin) / 1e6;
                }
            }
            return millis;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void command(BufferedReader in, OutputStream out, String command) throws IOException {
        out.write(("f " + command + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
        awaitOk(in, "f");
    }

    private static void awaitOk(BufferedReader in, String tag) throws IOException {
        String line = in.readLine();
        while (line != null && !line.startsWith(tag + " ")) {
            line = in.readLine();
        }
        if (line == null || !line.startsWith(tag + " OK")) {
            throw new IOException("refused: " + line);
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
                "A look at an account with %d unchanged messages on Dovecot, %d times; %s.%n%n",
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
        out.println("What was sent in the last one: "
                + passes.getLast().roundTrips().stream()
                        .flatMap(asked -> asked.commands().stream())
                        .toList());
    }
}
