package org.postbus.kit.sql;

import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.impl.NoStackTraceThrowable;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.ClosedConnectionException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeoutException;

/** Which of the failures that the Vert.x client reports are about the data and which are about the server. */
public final class SqlFailures {
    private SqlFailures() {}

    /**
     * Whether PostgreSQL can not hold the data.
     *
     * @param sqlState null if the server gave none
     */
    public static boolean isAboutData(String sqlState) {
        return sqlState != null
                && (sqlState.startsWith("22") || sqlState.startsWith("23") || sqlState.startsWith("54"));
    }

    /**
     * Whether the server can not be used now: a broken connection, none free in time, a server that starts, stops or lacks resources (SQLSTATE
     * classes 08, 53 and 57P). The causes of the failure are checked too.
     */
    public static boolean isUnavailable(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PgException pg) {
                String state = pg.getSqlState() == null ? "" : pg.getSqlState();
                return state.startsWith("08") || state.startsWith("53") || state.startsWith("57P");
            }
            if (cause instanceof SocketException
                    || cause instanceof UnknownHostException
                    || cause instanceof TimeoutException
                    || cause instanceof ClosedConnectionException
                    || cause instanceof ConnectionPoolTooBusyException
                    // How the pool reports that no connection became free in time.
                    || cause instanceof NoStackTraceThrowable && "Timeout".equals(cause.getMessage())) {
                return true;
            }
        }
        return false;
    }
}
