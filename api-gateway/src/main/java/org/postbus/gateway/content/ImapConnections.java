package org.postbus.gateway.content;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.postbus.account.AccountSettings;
import org.postbus.kit.concurrent.Await;
import org.postbus.kit.concurrent.IdlePool;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.model.AccountId;

/**
 * IMAP connections, each kept for {@link #IDLE_MAX} after its last use: after an email, its attachments are often opened. {@link
 * DownloadLimits} bounds the connections of an account.
 */
@ApplicationScoped
class ImapConnections {
    static final Duration IDLE_MAX = Duration.ofSeconds(15);
    private static final int IDLE_CONNECTIONS_MAX = 10_000;
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);
    /** Repeated logins with a wrong password make servers lock the user out. */
    private static final Duration REFUSAL_CACHED = Duration.ofSeconds(60);

    private static final int REFUSALS_MAX = 10_000;

    private final ImapClient client;
    private final IdlePool<AccountId, ImapConnection> idle;
    private final Cache<Login, String> refused = Caffeine.newBuilder()
            .expireAfterWrite(REFUSAL_CACHED)
            .maximumSize(REFUSALS_MAX)
            .build();

    private record Login(AccountId account, long revision) {}

    ImapConnections(EgressConnector egress) {
        this.client = new ImapClient(
                egress,
                ImapOptions.DEFAULT
                        .withConnectTimeout(CONNECT_MAX)
                        .withLoginTimeout(CONNECT_MAX)
                        .withSilenceMax(OpenContent.SILENCE_MAX));
        this.idle = new IdlePool<>(
                egress.vertx(),
                new IdlePool.Limits(IDLE_MAX, DownloadLimits.DOWNLOADS_PER_ACCOUNT_MAX, IDLE_CONNECTIONS_MAX),
                connection -> true,
                ImapConnections::logOut,
                ImapConnection::close);
    }

    void stop(@Observes ShutdownEvent event) {
        idle.close();
    }

    /** A connection that is logged in, for this caller alone. @throws ServerException */
    ImapConnection take(EmailOnServer email, AccountSettings.Imap settings) throws InterruptedException {
        Optional<ImapConnection> kept = idle.take(email.account(), email.revision());
        if (kept.isPresent()) {
            return kept.get();
        }
        String refusal = refused.getIfPresent(new Login(email.account(), email.revision()));
        if (refusal != null) {
            throw new ServerException(new ServerFailure.AuthRejected(refusal));
        }
        AtomicReference<ImapConnection> opened = new AtomicReference<>();
        try {
            return Await.of(
                    client.open(settings.imap(), settings.username(), email.credential())
                            .invoke(opened::set),
                    CONNECT_MAX.multipliedBy(2),
                    ServerException::unreachable);
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.AuthRejected(var text)) {
                refused.put(new Login(email.account(), email.revision()), text);
            }
            close(opened);
            throw e;
        } catch (InterruptedException e) {
            close(opened);
            throw e;
        }
    }

    /** A connection may have been opened at the moment of the time-out or interruption. */
    private static void close(AtomicReference<ImapConnection> opened) {
        if (opened.get() != null) {
            opened.get().close();
        }
    }

    /** For a connection on which no command is running. */
    void giveBack(EmailOnServer email, ImapConnection connection) {
        idle.giveBack(email.account(), email.revision(), connection);
        // A connection that the server closes must not be taken.
        connection
                .closed()
                .subscribe()
                .with(
                        ended -> idle.forget(email.account(), connection),
                        failure -> idle.forget(email.account(), connection));
    }

    private static void logOut(ImapConnection connection) {
        connection.logout().subscribe().with(done -> {}, failure -> connection.close());
    }
}
