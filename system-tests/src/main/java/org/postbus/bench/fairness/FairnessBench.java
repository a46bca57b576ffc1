package org.postbus.bench.fairness;

import java.io.PrintStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.stage.IdleServerProcess;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.ManyAccounts;
import org.postbus.bench.stage.Stage;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.postgres.ApiKey;
import org.postbus.model.TenantId;
import org.postbus.topic.Topics;

/**
 * Measures how long the mail of one tenant, with a few accounts on Dovecot, takes to its event: alone, while another tenant adds many accounts
 * with mail at once, afterwards, and while the fetcher is killed and started, without and with those accounts.
 */
public final class FairnessBench implements Runnable {
    /** Of the tenant that is measured. */
    private static final int ACCOUNTS = 4;

    private static final Duration QUIET = Duration.ofSeconds(20);
    private static final Duration SYNC_LIMIT = Duration.ofMinutes(15);
    private static final String PASSWORD = "bench-password";
    private static final String FETCHER = "fetcher-1";
    private static final String OTHER_TENANT = "other";

    private final FairnessOptions options;
    private final PrintStream out;

    public FairnessBench(FairnessOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        List<Dovecot.User> users = IntStream.rangeClosed(1, ACCOUNTS)
                .mapToObj(number -> Dovecot.User.of("user" + number + "@example.com", PASSWORD))
                .toList();
        try (IdleServerProcess server = new IdleServerProcess(options.messages());
                Stage stage = Stage.start(
                        List.of(),
                        settings -> settings.serviceHeap("512m")
                                .environment(Map.of("JAVA_TOOL_OPTIONS", server.trustOptions())),
                        out);
                MailServer.OfDovecot dovecot = MailServer.OfDovecot.start(users, stage.log("dovecot"));
                Connection database = stage.database()) {
            List<MailServer.OfDovecot> accounts = users.stream()
                    .map(user -> new MailServer.OfDovecot(dovecot.dovecot(), user))
                    .toList();
            accounts.forEach(account -> stage.awaitIdle(account.add(stage.api(), Protocol.IMAP), SYNC_LIMIT));
            Map<String, Object> kafka = stage.postbus().kafka().connectionOfAdmin();
            try (MarkedRecords observations = new MarkedRecords(kafka, Topics.OBSERVATIONS);
                    MarkedRecords changes = new MarkedRecords(kafka, Topics.CHANGES);
                    SteadyMail mail = new SteadyMail(accounts, observations, changes)) {
                LockSupport.parkNanos(QUIET.toNanos());
                List<Double> seconds = new ArrayList<>();
                mail.enter(Phase.QUIET);
                LockSupport.parkNanos(QUIET.toNanos());
                mail.enter(Phase.QUIET_RESTART);
                killAndStart(stage);
                LockSupport.parkNanos(QUIET.toNanos());
                TenantId other = ApiKey.issue(stage.postbus().postgres().database(), OTHER_TENANT)
                        .tenant();
                ManyAccounts many = new ManyAccounts(stage, database, other);
                mail.enter(Phase.ADDING);
                seconds.add(timed(() -> {
                    many.add(server.port(), options.accounts());
                    awaitSynced(database, other);
                    awaitNoLogins(server);
                }));
                mail.enter(Phase.SYNCED);
                LockSupport.parkNanos(QUIET.toNanos());
                mail.enter(Phase.RESTART);
                seconds.add(timed(() -> {
                    killAndStart(stage);
                    awaitNoLogins(server);
                }));
                new FairnessTable(options, seconds.get(0), seconds.get(1), out).print(mail.end());
            }
        } catch (SQLException e) {
            throw new IllegalStateException("a database query failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private interface Step {
        void run() throws SQLException;
    }

    private static double timed(Step step) throws SQLException {
        long begin = System.nanoTime();
        step.run();
        return Figures.secondsSince(begin);
    }

    private static void killAndStart(Stage stage) {
        stage.postbus().services().kill(FETCHER);
        stage.postbus().services().restart(FETCHER);
    }

    private void awaitSynced(Connection database, TenantId tenant) {
        Stage.await("all accounts were synced", SYNC_LIMIT, () -> {
            LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
            try (PreparedStatement query = database.prepareStatement(
                    "select count(*) from account_sync where initial_done and tenant_id = ?")) {
                query.setObject(1, tenant.value());
                try (ResultSet row = query.executeQuery()) {
                    row.next();
                    return row.getInt(1) >= options.accounts();
                }
            }
        });
    }

    /** Waits until the other tenant's server has seen no login for 6 s after the first. */
    private static void awaitNoLogins(IdleServerProcess server) {
        int quiet = 0;
        server.counts();
        Duration each = Duration.ofSeconds(2);
        long begin = System.nanoTime();
        boolean any = server.counts().connections() > 0;
        while (quiet < 3) {
            LockSupport.parkNanos(each.toNanos());
            boolean none = server.counts().logins() == 0;
            any |= !none;
            quiet = none && any ? quiet + 1 : 0;
            if (Figures.secondsSince(begin) > SYNC_LIMIT.toSeconds()) {
                throw new IllegalStateException("logins went on after " + SYNC_LIMIT.toMinutes() + " min");
            }
        }
    }
}
