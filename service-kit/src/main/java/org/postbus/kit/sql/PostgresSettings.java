package org.postbus.kit.sql;

import io.vertx.core.Vertx;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.SqlConnectOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.postbus.account.Secret;
import org.postbus.kit.settings.Settings;

/**
 * How this process reaches PostgreSQL. The names of modes and certificates are libpq's.
 *
 * <table>
 *   <caption>Environment variables</caption>
 *   <tr><td>{@code POSTBUS_DB_URL}<td>{@code postgresql://host:port/database}
 *   <tr><td>{@code POSTBUS_DB_USER}<td>the service's role
 *   <tr><td>{@code POSTBUS_DB_PASSWORD}, {@code POSTBUS_DB_PASSWORD_FILE}<td>its password, or the file that holds it
 *   <tr><td>{@code POSTBUS_DB_SSLMODE}<td>{@code disable} (default), {@code allow}, {@code prefer}, {@code require}, {@code verify-ca} or
 *       {@code verify-full}. Only the last two verify the server
 *   <tr><td>{@code POSTBUS_DB_SSLROOTCERT}<td>PEM file with the certificates of the authorities that are trusted; needed for {@code
 *       verify-ca} and {@code verify-full}. With {@code require} it has the effect of {@code verify-ca}
 *   <tr><td>{@code POSTBUS_DB_POOLER}<td>{@code none} (default), or {@code transaction}: connections go through PgBouncer or its like, which gives
 *       each transaction another one. No prepared statement then outlives its transaction
 * </table>
 *
 * <p><b>A connection that receives nothing for a time is closed</b>, whether it waits for an answer, for a login or for its next use. A peer that
 * has vanished without a word (half-open), and a server that hangs, are noticed by that on every platform, also where the kernel still
 * acknowledges what is sent ({@link WatchedDriver}). What waited fails, the pool makes a new connection, and none that has failed to answer is used again. The time is
 * above the statement timeout, after which a living server answers.
 *
 * @param url {@code postgresql://host:port/database}
 * @param password empty: the server asks for none, or for a client certificate
 * @param pooledByTransaction consecutive transactions of a connection may run on different connections of the server
 */
public record PostgresSettings(
        String url,
        String user,
        Optional<Secret> password,
        SslMode sslMode,
        Optional<Path> rootCertificate,
        boolean pooledByTransaction) {
    private static final Duration CONNECT_MAX = Duration.ofSeconds(5);
    /** Above the roles' statement_timeout of 15 s. */
    static final Duration SILENCE_MAX = Duration.ofSeconds(20);

    public PostgresSettings {
        Objects.requireNonNull(url);
        Objects.requireNonNull(user);
        Objects.requireNonNull(password);
        Objects.requireNonNull(sslMode);
        if ((sslMode == SslMode.VERIFY_CA || sslMode == SslMode.VERIFY_FULL) && rootCertificate.isEmpty()) {
            throw new IllegalArgumentException("POSTBUS_DB_SSLMODE " + sslMode + " needs POSTBUS_DB_SSLROOTCERT");
        }
    }

    /**
     * The limits of a pool.
     *
     * @param connectionsMax connections at once
     * @param waitingMax requests that wait for a connection; more fail at once
     * @param waitMax how long a request waits for a connection
     * @param silenceMax how long a connection may receive nothing; above the longest statement timeout
     */
    public record Pooling(int connectionsMax, int waitingMax, Duration waitMax, Duration silenceMax) {
        /** For the statement timeout of the roles: a connection that receives nothing for 20 s is closed. */
        public Pooling(int connectionsMax, int waitingMax, Duration waitMax) {
            this(connectionsMax, waitingMax, waitMax, SILENCE_MAX);
        }

        PoolOptions applyTo(PoolOptions options) {
            return options.setMaxSize(connectionsMax)
                    .setMaxWaitQueueSize(waitingMax)
                    .setConnectionTimeout((int) waitMax.toSeconds())
                    .setConnectionTimeoutUnit(TimeUnit.SECONDS);
        }
    }

    /** @throws IllegalArgumentException if one is missing or contradicts another; names the environment variable */
    public static PostgresSettings of(Settings settings) {
        return new PostgresSettings(
                settings.require("postbus.db.url"),
                settings.require("postbus.db.user"),
                settings.secret("postbus.db.password"),
                sslMode(settings),
                settings.file("postbus.db.sslrootcert"),
                pooledByTransaction(settings));
    }

    /** @param applicationName shown by {@code pg_stat_activity} */
    public PgConnectOptions connectOptions(String applicationName) {
        PgConnectOptions options = PgConnectOptions.fromUri(url)
                .setUser(user)
                .setCachePreparedStatements(!pooledByTransaction)
                .setUseLayer7Proxy(pooledByTransaction)
                .addProperty("application_name", applicationName);
        password.ifPresent(secret -> options.setPassword(secret.reveal()));
        return secured(bounded(options), sslMode, rootCertificate);
    }

    public Pool pool(Vertx vertx, String applicationName, Pooling pooling) {
        return pool(
                vertx,
                List.of(connectOptions(applicationName)),
                pooling.applyTo(new PoolOptions()),
                pooling.silenceMax());
    }

    /** @param silenceMax how long a connection may receive nothing */
    static Pool pool(Vertx vertx, List<? extends SqlConnectOptions> servers, PoolOptions options, Duration silenceMax) {
        return new WatchedDriver(silenceMax).createPool(vertx, servers, options);
    }

    /**
     * Puts the limit of connecting, the password file, TLS and the kind of pooler into options that a framework made of its own settings. Where there
     * is no setting, the options stay as they are.
     */
    static PgConnectOptions complete(PgConnectOptions options, Settings settings) {
        bounded(options);
        settings.secret("postbus.db.password").ifPresent(password -> options.setPassword(password.reveal()));
        if (pooledByTransaction(settings)) {
            options.setCachePreparedStatements(false).setUseLayer7Proxy(true);
        }
        SslMode mode = sslMode(settings);
        return settings.find("postbus.db.sslmode").isEmpty()
                ? options
                : secured(options, mode, settings.file("postbus.db.sslrootcert"));
    }

    private static PgConnectOptions bounded(PgConnectOptions options) {
        options.setConnectTimeout((int) CONNECT_MAX.toMillis());
        options.setTcpKeepAlive(true);
        return options;
    }

    private static PgConnectOptions secured(PgConnectOptions options, SslMode mode, Optional<Path> rootCertificate) {
        // As libpq does: a root certificate is checked wherever TLS is insisted on.
        SslMode effective = mode == SslMode.REQUIRE && rootCertificate.isPresent() ? SslMode.VERIFY_CA : mode;
        options.setSslMode(effective);
        switch (effective) {
            case DISABLE -> {}
            case ALLOW, PREFER, REQUIRE -> options.setTrustAll(true).setHostnameVerificationAlgorithm("");
            case VERIFY_CA -> trust(options, rootCertificate).setHostnameVerificationAlgorithm("");
            case VERIFY_FULL -> trust(options, rootCertificate).setHostnameVerificationAlgorithm("HTTPS");
        }
        return options;
    }

    private static PgConnectOptions trust(PgConnectOptions options, Optional<Path> rootCertificate) {
        return options.setPemTrustOptions(new PemTrustOptions()
                .addCertPath(rootCertificate
                        .orElseThrow(() ->
                                new IllegalArgumentException("verify-ca and verify-full need POSTBUS_DB_SSLROOTCERT"))
                        .toString()));
    }

    private static boolean pooledByTransaction(Settings settings) {
        String pooler = settings.find("postbus.db.pooler").orElse("none");
        return switch (pooler) {
            case "none" -> false;
            case "transaction" -> true;
            default -> throw new IllegalArgumentException("POSTBUS_DB_POOLER: there is no kind of pooler " + pooler);
        };
    }

    private static SslMode sslMode(Settings settings) {
        Optional<String> given = settings.find("postbus.db.sslmode");
        if (given.isEmpty() && settings.find("postbus.db.sslrootcert").isPresent()) {
            // Without it the connection would be in plain text, against what a certificate suggests.
            throw new IllegalArgumentException(
                    "POSTBUS_DB_SSLROOTCERT is set, but POSTBUS_DB_SSLMODE is not: set it to verify-full");
        }
        try {
            return given.map(mode -> SslMode.of(mode.toLowerCase(Locale.ROOT))).orElse(SslMode.DISABLE);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("POSTBUS_DB_SSLMODE: there is no mode " + given.orElseThrow(), e);
        }
    }

    /** Without the password. */
    @Override
    public String toString() {
        return user + " at " + url + ", sslmode " + sslMode;
    }
}
