package org.postbus.bench.stage;

import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.model.AccountId;

/** All of Postbus on this machine, started with an empty directory for one benchmark, with the compilers and limits of real use. */
public final class Stage implements AutoCloseable {
    /** A benchmark asks for more than a user does. */
    private static final Map<String, String> QUOTAS = Map.of(
            "POSTBUS_QUOTA_REQUESTS_PER_SECOND", "100000",
            "POSTBUS_QUOTA_SYNCS_PER_ACCOUNT_AND_MINUTE", "100000",
            "POSTBUS_QUOTA_QUEUED_MUTATIONS", "1000000");

    private static final Path DIRECTORY = Path.of(".postbus/bench");
    private static final Duration POLL = Duration.ofMillis(20);

    private final LocalPostbus postbus;
    private final PostbusApi api;

    private Stage(LocalPostbus postbus) {
        this.postbus = postbus;
        this.api = new PostbusApi(postbus.api(), postbus.apiKey().text());
    }

    public static Stage start(
            List<James.User> jamesUsers, UnaryOperator<LocalPostbus.Settings> adjusted, PrintStream out) {
        Path directory = ProjectRoot.find().resolve(DIRECTORY);
        Directories.delete(directory);
        LocalPostbus postbus = LocalPostbus.prepare(
                adjusted.apply(LocalPostbus.Settings.temporary(directory, jamesUsers)
                        .longLived()
                        .environment(QUOTAS)),
                out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(postbus::close, "close"));
        out.println("Starting (logs in " + directory.resolve("logs") + ")");
        try {
            postbus.start();
            return new Stage(postbus);
        } catch (RuntimeException e) {
            postbus.close();
            throw e;
        }
    }

    public static Stage start(PrintStream out) {
        return start(List.of(), settings -> settings, out);
    }

    public LocalPostbus postbus() {
        return postbus;
    }

    public PostbusApi api() {
        return api;
    }

    /** Contains the keyset. Deleted at the start of the next benchmark. */
    public Path directory() {
        return ProjectRoot.find().resolve(DIRECTORY);
    }

    public Path log(String name) {
        return directory().resolve("logs").resolve(name + ".log");
    }

    /** A connection of the superuser, which sees all rows. */
    public Connection database() throws SQLException {
        return postbus.postgres().database().connectAsAdmin();
    }

    /** Waits until the account's initial sync is complete. */
    public void awaitIdle(AccountId account, Duration limit) {
        await(
                "account " + account + " is idle",
                limit,
                () -> api.get("accounts/" + account)
                        .expect(200)
                        .at("/sync/state")
                        .asText()
                        .equals("idle"));
    }

    @FunctionalInterface
    public interface Condition {
        boolean holds() throws SQLException;
    }

    public static void await(String what, Duration limit, Condition condition) {
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            while (!condition.holds()) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("not within " + limit.toSeconds() + " s: " + what);
                }
                LockSupport.parkNanos(POLL.toNanos());
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the database query failed while waiting: " + what, e);
        }
    }

    @Override
    public void close() {
        api.close();
        postbus.close();
    }
}
