package org.postbus.gateway.change;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.postbus.gateway.database.Database;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One client of the live events. A loop on its own virtual thread sends each account's changes in the order of their seq,
 * none twice and none left out.
 *
 * <p>A live change is sent if its seq is the next one of its account. If it is an older one it was sent before; if it is a
 * later one, what lies between is read from the change log. So it does not matter how a change is noticed: the log decides.
 * Who is so far behind that the log does not begin there any more is told by an event {@code reset}, and what comes after follows.
 * A client that reads slowly is served from the log at its own pace; at most {@link #WAITING_MAX} live changes wait for it,
 * and one that takes nothing for {@link #WRITE_MAX} is cut off.
 */
final class EventStream {
    private static final Logger LOG = Logger.getLogger(EventStream.class);
    static final Duration HEARTBEAT = Duration.ofSeconds(15);
    static final Duration WRITE_MAX = Duration.ofSeconds(30);
    private static final Duration QUERY_MAX = Duration.ofSeconds(15);
    private static final int WAITING_MAX = 1_000;
    private static final int LOG_PAGE = 200;
    private static final int WRITE_CHANGES_MAX = 100;

    private final Database database;
    private final TenantId tenant;
    private final Optional<Set<AccountId>> wanted;
    private final HttpServerResponse response;
    private final Runnable cutOff;
    private final Map<AccountId, Long> sent;
    private final BlockingQueue<LoggedChange> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private volatile boolean behind = true;
    private final Thread loop;

    /**
     * @param wanted empty for all accounts of the tenant, also those that come later
     * @param sent up to which seq the client has each account's changes
     * @param cutOff called when the client does not read
     * @param over called when the loop has ended, for whatever reason
     */
    EventStream(
            Database database,
            TenantId tenant,
            Optional<Set<AccountId>> wanted,
            Map<AccountId, Long> sent,
            HttpServerResponse response,
            Runnable cutOff,
            Consumer<EventStream> over) {
        this.database = database;
        this.tenant = tenant;
        this.wanted = wanted;
        this.sent = new HashMap<>(sent);
        this.response = response;
        this.cutOff = cutOff;
        this.loop = Thread.ofVirtual().name("event-stream").unstarted(() -> {
            try {
                run();
            } finally {
                over.accept(this);
            }
        });
    }

    TenantId tenant() {
        return tenant;
    }

    void start() {
        loop.start();
    }

    /** From the Kafka reader's thread: never blocks. */
    void offer(LoggedChange change) {
        if (wanted.map(accounts -> accounts.contains(change.account())).orElse(true) && !waiting.offer(change)) {
            behind = true;
        }
    }

    void lookIntoTheLog() {
        behind = true;
    }

    void end() {
        loop.interrupt();
    }

    private void run() {
        try {
            write(Buffer.buffer(Sse.event(position(), "ready", "{}")));
            while (true) {
                turn();
            }
        } catch (InterruptedException e) {
            response.end();
        } catch (TimeoutException e) {
            LOG.debug("a client of the live events does not read");
            cutOff.run();
        } catch (TooManyAccountsException e) {
            response.end(Sse.event(
                    position(),
                    "ended",
                    "{\"detail\":\"too many accounts for one stream: name some with accountId\"}"));
        } catch (ConnectionLostException e) {
            LOG.debugf("a client of the live events has gone: %s", e.getMessage());
        }
    }

    private void turn()
            throws InterruptedException, TimeoutException, TooManyAccountsException, ConnectionLostException {
        if (behind) {
            behind = false;
            waiting.clear();
            fromTheLog();
        }
        LoggedChange first = waiting.poll(HEARTBEAT.toMillis(), TimeUnit.MILLISECONDS);
        if (first == null) {
            write(Buffer.buffer(Sse.HEARTBEAT));
            behind = true;
            return;
        }
        List<LoggedChange> changes = new ArrayList<>();
        changes.add(first);
        waiting.drainTo(changes, WRITE_CHANGES_MAX - 1);
        Buffer events = Buffer.buffer();
        for (LoggedChange change : changes) {
            long before = sent.getOrDefault(change.account(), 0L);
            if (change.seq() > before + 1) {
                behind = true;
                break;
            }
            append(events, change);
        }
        if (events.length() > 0) {
            write(events);
        }
    }

    /** Leaves {@link #behind} set if the database is away: the next turn tries again, the heartbeat gives it time. */
    private void fromTheLog()
            throws InterruptedException, TimeoutException, TooManyAccountsException, ConnectionLostException {
        try {
            Map<AccountId, Long> last = query(() -> database.future(
                    tenant, connection -> ChangeLog.lastSeqs(connection, wanted, StreamPosition.ACCOUNTS_MAX + 1)));
            if (last.size() > StreamPosition.ACCOUNTS_MAX) {
                throw new TooManyAccountsException();
            }
            sent.keySet().retainAll(last.keySet());
            for (AccountId account : last.keySet()) {
                while (sent.getOrDefault(account, 0L) < last.get(account)) {
                    long since = sent.getOrDefault(account, 0L);
                    List<LoggedChange> changes = query(() -> database.future(
                            tenant, connection -> ChangeLog.after(connection, account, since, LOG_PAGE)));
                    if (ChangeLog.isCutOff(since, changes)) {
                        sent.put(account, last.get(account));
                        write(Buffer.buffer(Sse.event(
                                position(),
                                "reset",
                                "{\"accountId\":\"" + account + "\",\"seq\":" + last.get(account) + "}")));
                        break;
                    }
                    Buffer events = Buffer.buffer();
                    changes.forEach(change -> append(events, change));
                    write(events);
                }
            }
        } catch (ExecutionException | QueryTimeoutException e) {
            LOG.debugf("the change log cannot be read: %s", e.getMessage());
        }
    }

    private void append(Buffer events, LoggedChange change) {
        if (change.seq() == sent.getOrDefault(change.account(), 0L) + 1) {
            sent.put(change.account(), change.seq());
            Sse.append(events, position(), change);
        }
    }

    private String position() {
        return StreamPosition.of(sent).text();
    }

    private void write(Buffer events) throws InterruptedException, TimeoutException, ConnectionLostException {
        try {
            response.write(events)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(WRITE_MAX.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new ConnectionLostException(e.getCause());
        }
    }

    private static <T> T query(Supplier<Future<T>> work)
            throws InterruptedException, ExecutionException, QueryTimeoutException {
        try {
            return work.get().toCompletionStage().toCompletableFuture().get(QUERY_MAX.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new QueryTimeoutException();
        }
    }

    private static final class QueryTimeoutException extends Exception {
        private static final long serialVersionUID = 1;

        QueryTimeoutException() {
            super("no answer within " + QUERY_MAX);
        }
    }

    private static final class TooManyAccountsException extends Exception {
        private static final long serialVersionUID = 1;
    }

    private static final class ConnectionLostException extends Exception {
        private static final long serialVersionUID = 1;

        ConnectionLostException(Throwable cause) {
            super(cause);
        }
    }
}
