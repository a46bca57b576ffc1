package org.postbus.kit.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Pool;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postbus.devstack.DevStack;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.settings.Settings;
import org.postbus.kit.sql.PostgresSettings.Pooling;

class DatabaseFailureTest {
    private static final DatabaseFailure UNAVAILABLE = new DatabaseFailure.Unavailable();
    private static final Duration SHORT = Duration.ofSeconds(1);
    private static final Vertx VERTX = Vertx.vertx();

    @AfterAll
    static void close() {
        VERTX.close().toCompletionStage().toCompletableFuture().join();
    }

    @ParameterizedTest
    @CsvSource({
        "57P01, Unavailable",
        "57P02, Unavailable",
        "57P03, Unavailable",
        "57014, Unavailable",
        "53300, Unavailable",
        "53100, Unavailable",
        "08000, Unavailable",
        "08006, Unavailable",
        "25006, Unavailable",
        "25P03, Unavailable",
        "28P01, Unavailable",
        "3D000, Unavailable",
        "58030, Unavailable",
        "40001, Contended",
        "40P01, Contended",
        "55P03, Contended",
        "22021, Unstorable",
        "23505, Unstorable",
        "54000, Unstorable",
        "42P01, Unexpected",
        "42501, Unexpected",
        "XX000, Unexpected"
    })
    void a_state_means_the_same_from_every_client(String state, String kind) {
        Throwable ofPool = new PgException("message", "ERROR", state, "detail");
        // As Hibernate Reactive wraps it.
        Throwable ofHibernate = new CompletionException(new RuntimeException(new SQLException("message", state, 0)));
        Throwable ofBlockingForms = new InfrastructureFailureException("message", ofPool);
        assertThat(List.of(ofPool, ofHibernate, ofBlockingForms))
                .extracting(failure -> DatabaseFailure.of(failure).getClass().getSimpleName())
                .containsOnly(kind);
    }

    @Test
    void failures_of_connections_are_told_from_others() {
        assertThat(List.of(
                        new ConnectException("refused"),
                        new SocketException("Connection reset"),
                        new IOException("Connection reset by peer"),
                        new UnknownHostException("db.example"),
                        new ClosedChannelException(),
                        new TimeoutException(),
                        new InfrastructureFailureException("the database did not answer", new TimeoutException()),
                        new CompletionException(new TimeoutException())))
                .allSatisfy(failure -> assertThat(DatabaseFailure.of(failure)).isEqualTo(UNAVAILABLE));
        assertThat(List.of(new IllegalStateException("a bug"), new IOException("a file"), new NullPointerException()))
                .allSatisfy(
                        failure -> assertThat(DatabaseFailure.of(failure)).isEqualTo(new DatabaseFailure.Unexpected()));
    }

    /** The exceptions are the client's own, not those that we think it has. */
    @Test
    void every_way_in_which_a_pool_fails_means_unavailable() throws Exception {
        Database database = DevStack.postgres().database();
        Map<String, String> good = Map.of(
                "postbus.db.url", database.url(),
                "postbus.db.user", Role.OUTBOUND.user(),
                "postbus.db.password", database.password(Role.OUTBOUND).reveal());

        // One connection, which is in use: the first that waits is too late, the second is one too many.
        Pool full = pool(good, new Pooling(1, 1, SHORT));
        Future<?> running = full.query("select pg_sleep(3)").execute();
        Future<?> waiting =
                full.withConnection(connection -> connection.query("select 1").execute());
        Future<?> refused = full.query("select 1").execute();
        assertThat(meaning(refused)).as("queue").isEqualTo(UNAVAILABLE);
        assertThat(meaning(waiting)).as("wait for a connection").isEqualTo(UNAVAILABLE);
        assertThat(cause(running)).isNull();
        Future<?> late = full.query("select pg_sleep(3)").execute();
        assertThat(meaning(full.preparedQuery("select 1").execute()))
                .as("wait for a query")
                .isEqualTo(UNAVAILABLE);
        assertThat(cause(late)).isNull();

        // The server ends the connection during a statement.
        Future<?> ended =
                full.query("select pg_terminate_backend(pg_backend_pid())").execute();
        assertThat(meaning(ended)).as("terminated").isEqualTo(UNAVAILABLE);
        full.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        assertThat(meaning(full.query("select 1").execute())).as("pool closed").isEqualTo(UNAVAILABLE);

        Map<String, String> nobody = new HashMap<>(good);
        nobody.put("postbus.db.url", "postgresql://127.0.0.1:1/postbus");
        assertThat(meaning(
                        pool(nobody, new Pooling(1, 1, SHORT)).query("select 1").execute()))
                .as("refused")
                .isEqualTo(UNAVAILABLE);

        Map<String, String> wrong = new HashMap<>(good);
        wrong.put("postbus.db.password", "rotated");
        assertThat(meaning(
                        pool(wrong, new Pooling(1, 1, SHORT)).query("select 1").execute()))
                .as("login")
                .isEqualTo(UNAVAILABLE);

        try (ServerSocket mute = new ServerSocket(0)) {
            Map<String, String> silent = new HashMap<>(good);
            silent.put("postbus.db.url", "postgresql://127.0.0.1:" + mute.getLocalPort() + "/postbus");
            assertThat(meaning(pool(silent, new Pooling(1, 1, Duration.ofSeconds(20), SHORT))
                            .query("select 1")
                            .execute()))
                    .as("no greeting")
                    .isEqualTo(UNAVAILABLE);
        }

        Pool readOnly = pool(good, new Pooling(1, 1, SHORT));
        assertThat(meaning(readOnly.withConnection(connection -> connection
                        .query("set default_transaction_read_only = on")
                        .execute()
                        .compose(set ->
                                connection.query("delete from pending_changes").execute()))))
                .as("read-only")
                .isEqualTo(UNAVAILABLE);
    }

    private static Pool pool(Map<String, String> values, Pooling pooling) {
        return PostgresSettings.of(Settings.of(name -> Optional.ofNullable(values.get(name))))
                .pool(VERTX, "failure-test", pooling);
    }

    private static DatabaseFailure meaning(Future<?> answer) {
        Throwable cause = cause(answer);
        assertThat(cause).isNotNull();
        return DatabaseFailure.of(cause);
    }

    /** Null if it succeeded. */
    private static Throwable cause(Future<?> answer) {
        Throwable thrown = catchThrowable(
                () -> answer.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS));
        return thrown == null ? null : thrown.getCause();
    }
}
