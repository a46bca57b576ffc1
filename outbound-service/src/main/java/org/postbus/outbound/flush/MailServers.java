package org.postbus.outbound.flush;

import java.time.Duration;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.kit.concurrent.IdlePool;
import org.postbus.mail.ServerException;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.outbound.imap.ImapMailServer;
import org.postbus.outbound.jmap.JmapMailServer;
import org.postbus.outbound.mutation.MailServer;
import org.postbus.outbound.table.AccountTable;

/**
 * Opens accounts' mail servers for mutations, and keeps a used connection for a while: users often send several mutations within seconds,
 * and the later ones then need no login. Keeps at most one per account. Thread-safe.
 */
public final class MailServers implements AutoCloseable {
    private static final IdlePool.Limits LIMITS = new IdlePool.Limits(Duration.ofSeconds(30), 1, 256);

    private final EgressConnector egress;
    private final ImapClient imap;
    private final CredentialCipher cipher;
    private final IdlePool<AccountId, MailServer> idle;

    /**
     * A server while it is in use.
     *
     * @param reused whether it was opened for an earlier flush: the connection may have broken since without a sign
     */
    record Use(AccountId account, long revision, MailServer server, boolean reused) {}

    public MailServers(EgressConnector egress, ImapClient imap, CredentialCipher cipher) {
        this.egress = egress;
        this.imap = imap;
        this.cipher = cipher;
        this.idle = new IdlePool<>(egress.vertx(), LIMITS, MailServer::isOpen, MailServer::close);
    }

    /**
     * Takes the idle connection of the account, or opens one and logs in. Blocks. The caller must give it back.
     *
     * @throws ServerException if the server cannot be reached or refuses the login, or no credential is stored
     */
    Use use(TenantId tenant, AccountId account, AccountTable.Login login) {
        Credential credential = login.credential(cipher, tenant, account);
        Optional<MailServer> kept = idle.take(account, login.revision());
        if (kept.isPresent()) {
            return new Use(account, login.revision(), kept.get(), true);
        }
        MailServer opened =
                switch (login.settings()) {
                    case AccountSettings.Imap settings -> ImapMailServer.open(imap, settings, credential);
                    case AccountSettings.Jmap settings -> JmapMailServer.open(egress, settings, credential);
                };
        return new Use(account, login.revision(), opened, false);
    }

    void giveBack(Use use) {
        idle.giveBack(use.account(), use.revision(), use.server());
    }

    /** Idle connections of all accounts. */
    public int idle() {
        return idle.size();
    }

    @Override
    public void close() {
        idle.close();
    }
}
