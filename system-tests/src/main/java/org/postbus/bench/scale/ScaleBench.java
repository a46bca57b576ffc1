package org.postbus.bench.scale;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postbus.account.Secret;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.scale.StatementLog.Executed;
import org.postbus.bench.stage.Stage;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.process.FreePort;
import org.postbus.model.AccountId;
import org.postbus.model.Keyword;
import org.postbus.model.TenantId;
import org.postbus.observation.Cursor;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.SyncScope;
import org.postbus.topic.Topics;

/**
 * Measures the statements of the services for what an account does all the time: first with a small mailbox in a small database, then with a large one in
 * a large database. The mail server of the measured account is away, so its fetcher claims it and outbound claims its mutations, and no more; the
 * benchmark writes the account's batches itself.
 */
public final class ScaleBench implements Runnable {
    private static final Duration WAIT = Duration.ofMinutes(2);
    /** Until PostgreSQL has written its log. */
    private static final long LOG_WAIT_NANOS = 300_000_000L;

    private static final MailboxKey INBOX = MailboxKey.ofRawName("INBOX");
    private static final double FACTOR_MAX = 2;
    /** Below this a difference of milliseconds says nothing. */
    private static final double MILLIS_MIN = 0.5;

    /** Run by timers, whatever an account does. */
    private static final Set<String> BACKGROUND = Set.of(
            "accounts_with_unpublished_changes",
            "unpublished_deletions",
            "accounts_with_due",
            "queue_states",
            "delete_old",
            "delete_ended",
            "change_partitions",
            "unpublished_accounts",
            "accounts_to_erase",
            "tenants_to_erase",
            "usable_keys",
            "usable_tenants",
            "keys_used",
            "append_audit",
            "sweep");

    private final ScaleOptions options;
    private final PrintStream out;

    public ScaleBench(ScaleOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    private enum Step {
        CLAIM("claim", "postbus_fetcher"),
        QUIET_PASS("quiet pass", "postbus_writer"),
        FLAG_CHANGE("one flag change", "postbus_writer"),
        MUTATION("one mutation", "postbus_gateway", "postbus_outbound"),
        NEWEST("the newest 50", "postbus_gateway");

        private final String shownName;
        private final List<String> roles;

        Step(String shownName, String... roles) {
            this.shownName = shownName;
            this.roles = List.of(roles);
        }
    }

    /** @param plans of the last run */
    private record Cost(double millis, long rows, List<Executed> plans) {}

    @Override
    public void run() {
        try (Stage stage = Stage.start(out);
                Connection database = stage.database()) {
            AccountId account = stage.api()
                    .addImapAccount("127.0.0.1", FreePort.find(), "scale@example.com", new Secret("not needed"));
            StatementLog.begin(database);
            LargeDatabase rows = new LargeDatabase(database, account);
            UUID inbox = rows.createMailboxes();
            rows.addEmails(1, ScaleOptions.EMAILS_SMALL);
            rows.addMutations(10, 2);
            rows.analyze();
            stage.postbus().services().instances().forEach(stage.postbus().services()::restart);
            Map<Step, Cost> small = measure(stage, database, account, inbox);

            long begin = System.nanoTime();
            rows.addAccounts(options.accounts(), options.perAccount());
            rows.addEmails(ScaleOptions.EMAILS_SMALL + 1, options.mailbox());
            rows.addMutations(options.emails() / 20, options.emails() / 200);
            rows.analyze();
            out.printf(
                    "Filled %d accounts with %d emails each and one mailbox with %d in %.0f s%n",
                    options.accounts(), options.perAccount(), options.mailbox(), Figures.secondsSince(begin));
            Map<Step, Cost> large = measure(stage, database, account, inbox);
            print(small, large, stage.directory().resolve("plans.txt"));
        } catch (SQLException e) {
            throw new IllegalStateException("a database query failed", e);
        }
    }

    private Map<Step, Cost> measure(Stage stage, Connection database, AccountId account, UUID inbox)
            throws SQLException {
        Map<Step, Cost> costs = new EnumMap<>(Step.class);
        StatementLog log = new StatementLog(stage.log("postgres"));
        costs.put(
                Step.CLAIM, repeated(Step.CLAIM, log, ScaleOptions.CLAIMS, number -> claim(stage, database, account)));
        costs.put(
                Step.NEWEST,
                repeated(
                        Step.NEWEST,
                        log,
                        options.repeats(),
                        number -> stage.api()
                                .get("accounts/" + account + "/emails?limit=50&mailboxId=" + inbox)
                                .expect(200)));
        costs.put(
                Step.MUTATION,
                repeated(Step.MUTATION, log, options.repeats(), number -> mutate(stage, database, account, number)));
        // Else its reports of the absent server would be the account's next batches.
        stage.postbus().services().stop("fetcher-1");
        try (Batches batches = new Batches(stage, database, account)) {
            costs.put(
                    Step.QUIET_PASS, repeated(Step.QUIET_PASS, log, options.repeats(), number -> batches.send(pass())));
            costs.put(
                    Step.FLAG_CHANGE,
                    repeated(
                            Step.FLAG_CHANGE,
                            log,
                            options.repeats(),
                            number -> batches.send(flag(number), synced(number), pass())));
        }
        stage.postbus().services().restart("fetcher-1");
        return costs;
    }

    @FunctionalInterface
    private interface Action {
        void run(int number) throws SQLException;
    }

    private static Cost repeated(Step step, StatementLog log, int repeats, Action action) throws SQLException {
        action.run(0);
        double[] millis = new double[repeats];
        long[] rows = new long[repeats];
        List<Executed> plans = List.of();
        for (int i = 0; i < repeats; i++) {
            LockSupport.parkNanos(LOG_WAIT_NANOS);
            log.next();
            action.run(i + 1);
            LockSupport.parkNanos(LOG_WAIT_NANOS);
            plans = log.next().stream()
                    .filter(executed -> step.roles.contains(executed.role()))
                    .filter(executed -> BACKGROUND.stream().noneMatch(executed.sql()::contains))
                    .toList();
            millis[i] = plans.stream().mapToDouble(Executed::millis).sum();
            rows[i] = plans.stream().mapToLong(Executed::rows).sum();
        }
        Arrays.sort(rows);
        return new Cost(Figures.percentile(millis, 50), rows[repeats / 2], plans);
    }

    private static void claim(Stage stage, Connection database, AccountId account) throws SQLException {
        long fence = number(database, "select fence from account_sync where account_id = ?", account);
        stage.postbus().services().restart("fetcher-1");
        Stage.await(
                "a claim",
                WAIT,
                () -> number(database, "select fence from account_sync where account_id = ?", account) > fence);
    }

    /** Until outbound has claimed it and found the server away. */
    private static void mutate(Stage stage, Connection database, AccountId account, int number) throws SQLException {
        // What the mutation before has left: the account's queue waits for the server.
        update(database, "delete from pending_changes where account_id = ? and state = 'queued'", account);
        if (number(database, "select count(to_regclass('outbound_hold')) where ?::uuid is not null", account) == 1) {
            update(database, "delete from outbound_hold where account_id = ?", account);
        }
        String email = LargeDatabase.emailId(account, 1 + number);
        stage.api().mutate(account, email, Map.of("keywords", Map.of("$flagged", true)));
        Stage.await(
                "the mutation is tried",
                WAIT,
                () -> number(
                                database,
                                "select count(*) from mutation_view where account_id = ? and state = 'queued' and error is not null",
                                account)
                        == 1);
    }

    private static Observation pass() {
        return new Observation.PassFinished(Instant.now(), Instant.now(), true, Optional.of(2L));
    }

    private static Observation flag(int number) {
        return new Observation.EmailStateObserved(
                new EmailRef.ImapMessage(INBOX, 1, ScaleOptions.EMAILS_SMALL / 2),
                Set.of(INBOX),
                Set.of(Keyword.of("number" + number)),
                Optional.of(2L + number));
    }

    private static Observation synced(int number) {
        return new Observation.ScopeSynced(
                SyncScope.ofMailbox(INBOX), new Cursor.Imap(1, 100_000_000, Optional.of(2L + number), 1));
    }

    /** Writes the account's batches under a claim of its own. */
    private static final class Batches implements AutoCloseable {
        private final KafkaProducer<String, byte[]> producer;
        private final Connection database;
        private final TenantId tenant;
        private final AccountId account;
        private final long fence;
        private long seq;

        Batches(Stage stage, Connection database, AccountId account) throws SQLException {
            this.producer = new KafkaProducer<>(
                    stage.postbus().kafka().connectionOfAdmin(), new StringSerializer(), new ByteArraySerializer());
            this.database = database;
            this.tenant = stage.postbus().apiKey().tenant();
            this.account = account;
            update(
                    database,
                    "update account_sync set fence = fence + 1, applied_seq = 0 where account_id = ?",
                    account);
            this.fence = number(database, "select fence from account_sync where account_id = ?", account);
        }

        void send(Observation... observations) {
            seq++;
            ObservationBatch batch = new ObservationBatch(tenant, account, fence, seq, List.of(observations));
            try {
                producer.send(new ProducerRecord<>(Topics.OBSERVATIONS, account.toString(), EventCodec.encode(batch)))
                        .get(WAIT.toSeconds(), TimeUnit.SECONDS);
            } catch (InterruptedException | ExecutionException | TimeoutException e) {
                throw new IllegalStateException("a batch could not be sent", e);
            }
            Stage.await(
                    "the batch is applied",
                    WAIT,
                    () -> number(database, "select applied_seq from account_sync where account_id = ?", account)
                            == seq);
        }

        @Override
        public void close() {
            producer.close();
        }
    }

    private static long number(Connection database, String sql, AccountId account) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            statement.setObject(1, account.value());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private static void update(Connection database, String sql, AccountId account) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            statement.setObject(1, account.value());
            statement.executeUpdate();
        }
    }

    private void print(Map<Step, Cost> small, Map<Step, Cost> large, Path plans) {
        out.println();
        out.printf(
                "Statements of PostgreSQL, p50 of %d: a mailbox of %d emails in a small database, and one of %d in a database with %d emails in"
                        + " %d accounts; %s.%n%n",
                options.repeats(),
                ScaleOptions.EMAILS_SMALL,
                options.mailbox(),
                options.emails(),
                options.accounts() + 1,
                Figures.machine());
        out.println("| | statements | small: ms | rows read | large: ms | rows read | times as long |");
        out.println("|---|---:|---:|---:|---:|---:|---:|");
        List<String> slower = new ArrayList<>();
        for (Step step : Step.values()) {
            Cost before = small.get(step);
            Cost after = large.get(step);
            double factor = after.millis() / before.millis();
            out.printf(
                    "| %s | %d | %.2f | %d | %.2f | %d | %.1f |%n",
                    step.shownName,
                    after.plans().size(),
                    before.millis(),
                    before.rows(),
                    after.millis(),
                    after.rows(),
                    factor);
            if (factor > FACTOR_MAX && after.millis() > MILLIS_MIN || after.rows() > FACTOR_MAX * before.rows() + 10) {
                slower.add(step.shownName);
            }
        }
        out.println();
        out.println(Figures.verdict(
                slower.isEmpty() ? "all within 2 times, in time and in rows" : "more than 2 times: " + slower,
                slower.isEmpty()));
        write(plans, large);
        out.println("Plans of the large database: " + plans);
    }

    private static void write(Path file, Map<Step, Cost> costs) {
        StringBuilder text = new StringBuilder();
        costs.forEach((step, cost) -> cost.plans()
                .forEach(executed -> text.append("%s, %s, %.3f ms, %d rows%n%s%n"
                        .formatted(
                                step.shownName,
                                executed.role(),
                                executed.millis(),
                                executed.rows(),
                                executed.plan()))));
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
