package org.postbus.gateway.content;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.quarkus.runtime.ShutdownEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.postbus.account.AccountSettings;
import org.postbus.gateway.account.HostPolicy;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.model.AccountId;

/**
 * Connections that are kept for {@link #IDLE_MAX} after their last use, since who opens an email often opens its attachments next.
 * How many an account has at a time is {@link DownloadLimits}' matter.
 */
@ApplicationScoped
class ImapConnections {
    static final Duration IDLE_MAX = Duration.ofSeconds(15);
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);
    /** A server that is asked with a wrong password again and again locks the user out. */
    private static final Duration REFUSAL_REMEMBERED = Duration.ofSeconds(60);

    private static final int REFUSALS_MAX = 10_000;

    private final Vertx vertx;
    private final HostPolicy hosts;
    private final ImapClient client;
    private final Map<AccountId, Deque<Idle>> idle = new HashMap<>();
    private final Cache<Login, String> refused = Caffeine.newBuilder()
            .expireAfterWrite(REFUSAL_REMEMBERED)
            .maximumSize(REFUSALS_MAX)
            .build();

    private record Login(AccountId account, long revision) {}

    private record Idle(ImapConnection connection, long revision, long timer) {}

    ImapConnections(Vertx vertx, HostPolicy hosts) {
        this.vertx = vertx;
        this.hosts = hosts;
        this.client = new ImapClient(
                vertx,
                ImapOptions.DEFAULT
                        .withConnectTimeout(CONNECT_MAX)
                        .withLoginTimeout(CONNECT_MAX)
                        .withSilenceMax(OpenContent.SILENCE_MAX));
    }

    void stop(@Observes ShutdownEvent event) {
        List<Idle> all;
        synchronized (this) {
            all = idle.values().stream().flatMap(Deque::stream).toList();
            idle.clear();
        }
        all.forEach(one -> one.connection().close());
    }

    /** One that is logged in and nobody else uses. @throws ServerException */
    ImapConnection take(EmailOnServer email, AccountSettings.Imap settings) throws InterruptedException {
        Optional<ImapConnection> kept = takeIdle(email);
        if (kept.isPresent()) {
            return kept.get();
        }
        String refusal = refused.getIfPresent(new Login(email.account(), email.revision()));
        if (refusal != null) {
            throw new ServerException(new ServerFailure.AuthRejected(refusal));
        }
        if (!hosts.allows(settings.imap().host())) {
            throw new ContentException(
                    new ContentFailure.Refused("the account's mail server is not on the public Internet"));
        }
        AtomicReference<ImapConnection> opened = new AtomicReference<>();
        try {
            return Waiting.on(
                    client.open(settings.imap(), settings.username(), email.credential())
                            .invoke(opened::set),
                    CONNECT_MAX.multipliedBy(2));
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.AuthRejected(var text)) {
                refused.put(new Login(email.account(), email.revision()), text);
            }
            throw e;
        } catch (InterruptedException e) {
            // It may have been there in the very moment that nobody waited for it any more.
            if (opened.get() != null) {
                opened.get().close();
            }
            throw e;
        }
    }

    private synchronized Optional<ImapConnection> takeIdle(EmailOnServer email) {
        Deque<Idle> ofAccount = idle.getOrDefault(email.account(), new ArrayDeque<>());
        Optional<ImapConnection> found = Optional.empty();
        while (!ofAccount.isEmpty() && found.isEmpty()) {
            Idle last = ofAccount.removeLast();
            vertx.cancelTimer(last.timer());
            if (last.revision() == email.revision()) {
                found = Optional.of(last.connection());
            } else {
                last.connection().close();
            }
        }
        if (ofAccount.isEmpty()) {
            idle.remove(email.account());
        }
        return found;
    }

    /** For one on which nothing is under way. */
    synchronized void giveBack(EmailOnServer email, ImapConnection connection) {
        long timer = vertx.setTimer(IDLE_MAX.toMillis(), id -> logOut(email.account(), connection));
        idle.computeIfAbsent(email.account(), id -> new ArrayDeque<>())
                .addLast(new Idle(connection, email.revision(), timer));
        // A server that hangs up leaves nothing to be taken.
        connection.closed().subscribe().with(ended -> remove(email.account(), connection), failure -> {
            remove(email.account(), connection);
        });
    }

    private void logOut(AccountId account, ImapConnection connection) {
        if (remove(account, connection)) {
            connection.logout().subscribe().with(done -> {}, failure -> connection.close());
        }
    }

    private synchronized boolean remove(AccountId account, ImapConnection connection) {
        Deque<Idle> ofAccount = idle.get(account);
        if (ofAccount == null) {
            return false;
        }
        boolean removed = ofAccount.removeIf(one -> {
            boolean same = one.connection() == connection;
            if (same) {
                vertx.cancelTimer(one.timer());
            }
            return same;
        });
        if (ofAccount.isEmpty()) {
            idle.remove(account);
        }
        return removed;
    }
}
