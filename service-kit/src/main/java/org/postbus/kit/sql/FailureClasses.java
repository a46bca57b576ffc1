package org.postbus.kit.sql;

import io.vertx.core.VertxException;
import io.vertx.core.impl.NoStackTraceThrowable;
import io.vertx.sqlclient.DatabaseException;
import java.io.IOException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.sql.DatabaseFailure.Contended;
import org.postbus.kit.sql.DatabaseFailure.Unavailable;
import org.postbus.kit.sql.DatabaseFailure.Unexpected;
import org.postbus.kit.sql.DatabaseFailure.Unstorable;

/** Which exceptions and SQLSTATEs are which {@link DatabaseFailure}. Pure. */
final class FailureClasses {
    /** Beginnings of SQLSTATEs. */
    private static final List<String> UNAVAILABLE = List.of(
            // Connection exception, invalid authorization, insufficient resources, operator intervention, system error.
            "08",
            "28",
            "53",
            "57P",
            "58",
            // Canceled: the statement timeout.
            "57014",
            // A standby, or a primary that has become one.
            "25006",
            // The time limits of idle and of long transactions: the server has closed the connection.
            "25P03",
            "25P04",
            // The database is being created or restored.
            "3D000");

    /** Transaction rollback, object in use, lock not available. */
    private static final List<String> CONTENDED = List.of("40", "55006", "55P03");

    /** Data exception, integrity constraint violation, program limit exceeded. */
    private static final List<String> UNSTORABLE = List.of("22", "23", "54");

    /** Parts of messages of failures that have no class of their own. */
    private static final List<String> OF_CONNECTIONS = List.of(
            "Timeout",
            "Pool closed",
            "Connection is not active",
            "Pending requests failed",
            "Connection reset",
            "Broken pipe");

    private FailureClasses() {}

    static DatabaseFailure of(Throwable failure) {
        boolean infrastructure = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String state = sqlState(cause);
            if (state != null) {
                return ofState(state);
            }
            if (isAboutConnections(cause)) {
                return new Unavailable();
            }
            infrastructure |= cause instanceof InfrastructureFailureException;
        }
        return infrastructure ? new Unavailable() : new Unexpected();
    }

    private static DatabaseFailure ofState(String state) {
        if (UNAVAILABLE.stream().anyMatch(state::startsWith)) {
            return new Unavailable();
        }
        if (CONTENDED.stream().anyMatch(state::startsWith)) {
            return new Contended();
        }
        return UNSTORABLE.stream().anyMatch(state::startsWith) ? new Unstorable() : new Unexpected();
    }

    /** Null if it has none. */
    private static String sqlState(Throwable cause) {
        if (cause instanceof DatabaseException answered) {
            return answered.getSqlState();
        }
        // Hibernate Reactive replaces the client's exception by one of JDBC.
        return cause instanceof SQLException jdbc ? jdbc.getSQLState() : null;
    }

    private static boolean isAboutConnections(Throwable cause) {
        if (cause instanceof DatabaseException) {
            return false;
        }
        if (cause instanceof NoStackTraceThrowable || cause instanceof IOException) {
            return isOfConnections(cause)
                    || cause instanceof SocketException
                    || cause instanceof UnknownHostException
                    || cause instanceof ClosedChannelException
                    || cause instanceof SSLException;
        }
        // A VertxException is a closed connection, a full queue or the pool's time limit.
        return cause instanceof TimeoutException || cause instanceof VertxException;
    }

    private static boolean isOfConnections(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        return OF_CONNECTIONS.stream().anyMatch(message::contains);
    }
}
