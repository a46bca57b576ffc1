package org.postbus.outbound;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.model.AccountId;
import org.postbus.outbound.imap.ImapMailServer;
import org.postbus.outbound.jmap.JmapMailServer;

/**
 * Opens accounts' mail servers, and keeps a connection that was used for a while: the next wish of the same person often
 * comes within seconds and then needs no login. At most one per account. Thread-safe.
 */
public final class MailServers implements AutoCloseable {
    static final Duration IDLE_MAX = Duration.ofSeconds(30);
    /** Kept connections of all accounts together; beyond it the one that has been idle longest goes. */
    static final int KEPT_MAX = 256;

    private final Vertx vertx;
    private final ImapClient imap;
    /** In the order in which they became idle. */
    private final Map<AccountId, Kept> kept = new LinkedHashMap<>();

    private boolean closed;

    private record Kept(MailServer server, long revision, long timer) {}

    /**
     * A server while it is in use.
     *
     * @param reused whether it was opened for an earlier flush: it may have died since without a sign
     */
    record Use(AccountId account, long revision, MailServer server, boolean reused) {}

    public MailServers(Vertx vertx, ImapClient imap) {
        this.vertx = vertx;
        this.imap = imap;
    }

    /**
     * Blocks while it connects and logs in. The caller gives it back.
     *
     * @param revision of the account: a connection from before a change of the account is not used again
     * @throws ServerException if the server can not be reached or refuses the login
     */
    Use use(AccountId account, long revision, AccountSettings settings, Credential credential) {
        MailServer idle = take(account, revision);
        if (idle != null) {
            return new Use(account, revision, idle, true);
        }
        MailServer opened =
                switch (settings) {
                    case AccountSettings.Imap imapSettings -> ImapMailServer.open(imap, imapSettings, credential);
                    case AccountSettings.Jmap jmapSettings -> JmapMailServer.open(vertx, jmapSettings, credential);
                };
        return new Use(account, revision, opened, false);
    }

    void giveBack(Use use) {
        if (!use.server().isOpen()) {
            return;
        }
        List<MailServer> leaving = new ArrayList<>();
        synchronized (this) {
            if (closed) {
                leaving.add(use.server());
            } else {
                long timer = vertx.setTimer(IDLE_MAX.toMillis(), fired -> end(use.account(), use.server()));
                Kept before = kept.put(use.account(), new Kept(use.server(), use.revision(), timer));
                if (before != null) {
                    vertx.cancelTimer(before.timer());
                    leaving.add(before.server());
                }
                if (kept.size() > KEPT_MAX) {
                    Iterator<Kept> oldest = kept.values().iterator();
                    Kept evicted = oldest.next();
                    oldest.remove();
                    vertx.cancelTimer(evicted.timer());
                    leaving.add(evicted.server());
                }
            }
        }
        leaving.forEach(MailServer::close);
    }

    synchronized int idle() {
        return kept.size();
    }

    @Override
    public void close() {
        List<Kept> leaving;
        synchronized (this) {
            closed = true;
            leaving = List.copyOf(kept.values());
            kept.clear();
        }
        leaving.forEach(server -> {
            vertx.cancelTimer(server.timer());
            server.server().close();
        });
    }

    /** Null if there is none that can be used. */
    private MailServer take(AccountId account, long revision) {
        Kept found;
        synchronized (this) {
            found = kept.remove(account);
        }
        if (found == null) {
            return null;
        }
        vertx.cancelTimer(found.timer());
        if (found.revision() == revision && found.server().isOpen()) {
            return found.server();
        }
        found.server().close();
        return null;
    }

    private void end(AccountId account, MailServer server) {
        synchronized (this) {
            Kept found = kept.get(account);
            if (found == null || found.server() != server) {
                return;
            }
            kept.remove(account);
        }
        server.close();
    }
}
