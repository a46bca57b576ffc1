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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One client of the live events. A loop on a virtual thread of its own sends each account's changes in the order of their seq, each
 * once.
 *
 * <p>A live change is sent if its seq is the next one of its account. A change with a lower seq was sent before; before one with a higher
 * seq the changes between are read from the change log. A lost, repeated or late live change therefore does no harm. If retention has deleted
 * the next change, the client gets an event {@code reset} and then the later changes. At most {@link #WAITING_MAX} live changes wait for a
 * slow client, which then gets the others from the log; a client that reads nothing for {@link #WRITE_TIME_MAX} is disconnected.
 */
final class EventStream {
    private static final Logger LOG = Logger.getLogger(EventStream.class);
    static final Duration HEARTBEAT = Duration.ofSeconds(15);
    static final Duration WRITE_TIME_MAX = Duration.ofSeconds(30);
    private static final Duration QUERY_TIME_MAX = Duration.ofSeconds(15);
    private static final int WAITING_MAX = 1_000;
    private static final int LOG_PAGE = 200;
    private static final int WRITE_CHANGES_MAX = 100;

    private final TenantTransactions transactions;
    private final TenantId tenant;
    private final Optional<Set<AccountId>> wanted;
    private final HttpServerResponse response;
    private final Runnable disconnect;
    private final Map<AccountId, Long> sent;
    private final BlockingQueue<LoggedChange> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private volatile boolean behind = true;
    private final Thread loop;

    /**
     * @param wanted empty: all accounts of the tenant, including those that are created later
     * @param sent the seq of the last change of each account that the client has
     * @param disconnect called when the client does not read
     * @param onEnd called when the loop has ended
     */
    EventStream(
            TenantTransactions transactions,
            TenantId tenant,
            Optional<Set<AccountId>> wanted,
            Map<AccountId, Long> sent,
            HttpServerResponse response,
            Runnable disconnect,
            Consumer<EventStream> onEnd) {
        this.transactions = transactions;
        this.tenant = tenant;
        this.wanted = wanted;
        this.sent = new HashMap<>(sent);
        this.response = response;
        this.disconnect = disconnect;
        this.loop = Thread.ofVirtual().name("event-stream").unstarted(() -> {
            try {
                run();
            } finally {
                onEnd.accept(this);
            }
        });
    }

    TenantId tenant() {
        return tenant;
    }

    void start() {
        loop.start();
    }

    /** Called by the thread that reads Kafka; never blocks. */
    void offer(LoggedChange change) {
        if (wanted.map(accounts -> accounts.contains(change.account())).orElse(true) && !waiting.offer(change)) {
            behind = true;
        }
    }

    void readLog() {
        behind = true;
    }

    void end() {
        loop.interrupt();
    }

    private void run() {
        try {
            write(Buffer.buffer(Sse.event(position(), "ready", "{}")));
            while (true) {
                sendNext();
            }
        } catch (InterruptedException e) {
            response.end();
        } catch (TimeoutException e) {
            LOG.debug("a client of the live events does not read");
            disconnect.run();
        } catch (TooManyAccountsException e) {
            response.end(Sse.event(
                    position(),
                    "ended",
                    "{\"detail\":\"too many accounts for one stream; name some with accountId\"}"));
        } catch (ConnectionLostException e) {
            LOG.debugf("a client of the live events has disconnected: %s", e.getMessage());
        }
    }

    /** Sends what the log has, if the stream is behind; else waits for live changes, or for the time of a heartbeat. */
    private void sendNext()
            throws InterruptedException, TimeoutException, TooManyAccountsException, ConnectionLostException {
        if (behind) {
            behind = false;
            waiting.clear();
            sendFromLog();
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
            if (change.isDeletion()) {
                // It may leave a gap before it, and the log no longer has what was there.
                Sse.append(events, position(), change);
                sent.remove(change.account());
                continue;
            }
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

    /** If the database is unavailable, the next heartbeat sets {@link #behind} and the log is read again. */
    private void sendFromLog()
            throws InterruptedException, TimeoutException, TooManyAccountsException, ConnectionLostException {
        try {
            Map<AccountId, Long> last = query(transactions.future(
                    tenant, connection -> ChangeLog.lastSeqs(connection, wanted, StreamPosition.ACCOUNTS_MAX + 1)));
            if (last.size() > StreamPosition.ACCOUNTS_MAX) {
                throw new TooManyAccountsException();
            }
            sent.keySet().retainAll(last.keySet());
            for (AccountId account : last.keySet()) {
                while (sent.getOrDefault(account, 0L) < last.get(account)) {
                    long since = sent.getOrDefault(account, 0L);
                    List<LoggedChange> changes = query(transactions.future(
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
        } catch (InfrastructureFailureException e) {
            LOG.debugf("the change log was not read: %s", e.getMessage());
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
            Await.of(response.write(events), WRITE_TIME_MAX, waited -> new TimeoutException());
        } catch (RuntimeException e) {
            throw new ConnectionLostException(e);
        }
    }

    private static <T> T query(Future<T> answer) throws InterruptedException {
        return Await.infrastructure("reading the change log", answer, QUERY_TIME_MAX);
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
