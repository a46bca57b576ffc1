package org.postbus.outbound.submission;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.ServerAddress;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.outbound.AccountTable;

/**
 * Opens accounts' servers for sending, and keeps the SMTP pool of an account for a while: who writes one message often writes
 * another. Thread-safe.
 */
public final class SubmissionServers implements SubmissionFlusher.Opening, AutoCloseable {
    private static final Duration IDLE_MAX = Duration.ofSeconds(60);

    private final Vertx vertx;
    private final ImapClient imap;
    private final CredentialCipher cipher;
    private final Optional<String> trustedCertificates;
    private final Map<AccountId, Kept> kept = new HashMap<>();

    private boolean closed;

    private record Kept(SmtpClient client, long revision, long timer) {}

    /** @param trustedCertificates see {@link SmtpClient#of} */
    public SubmissionServers(
            Vertx vertx, ImapClient imap, CredentialCipher cipher, Optional<String> trustedCertificates) {
        this.vertx = vertx;
        this.imap = imap;
        this.cipher = cipher;
        this.trustedCertificates = trustedCertificates;
    }

    @Override
    public SubmissionServer open(
            TenantId tenant, AccountId account, AccountTable.Login login, Optional<MailboxName> sent) {
        Credential credential = login.credential(cipher, tenant, account);
        return switch (login.settings()) {
            case AccountSettings.Imap settings ->
                bySmtp(account, login, credential, settings.smtp(), new ImapSentMail(settings, credential, imap, sent));
            case AccountSettings.Jmap settings -> {
                JmapSubmissionServer jmap = JmapSubmissionServer.open(vertx, settings, credential);
                yield jmap.offersToSend() || settings.smtp().isEmpty()
                        ? jmap
                        : bySmtp(account, login, credential, settings.smtp(), jmap);
            }
        };
    }

    private SubmissionServer bySmtp(
            AccountId account,
            AccountTable.Login login,
            Credential credential,
            Optional<ServerAddress> address,
            SentMail sentMail) {
        Optional<SmtpClient> smtp = address.map(there -> take(account, login.revision())
                .orElseGet(() ->
                        SmtpClient.of(vertx, there, login.settings().username(), credential, trustedCertificates)));
        return new SmtpSubmissionServer(
                smtp,
                address.map(ServerAddress::host).filter(SentCopies::areKeptBy).isPresent(),
                sentMail,
                () -> smtp.ifPresent(client -> giveBack(account, login.revision(), client)));
    }

    /** Empty if there is none from this revision of the account. */
    private synchronized Optional<SmtpClient> take(AccountId account, long revision) {
        Kept found = kept.remove(account);
        if (found == null) {
            return Optional.empty();
        }
        vertx.cancelTimer(found.timer());
        if (found.revision() == revision) {
            return Optional.of(found.client());
        }
        found.client().close();
        return Optional.empty();
    }

    private synchronized void giveBack(AccountId account, long revision, SmtpClient client) {
        if (closed || !client.isUsable()) {
            client.close();
            return;
        }
        long timer = vertx.setTimer(IDLE_MAX.toMillis(), idle -> end(account, client));
        Kept before = kept.put(account, new Kept(client, revision, timer));
        if (before != null) {
            vertx.cancelTimer(before.timer());
            before.client().close();
        }
    }

    private synchronized void end(AccountId account, SmtpClient client) {
        Kept found = kept.get(account);
        if (found != null && found.client() == client) {
            kept.remove(account);
            client.close();
        }
    }

    public synchronized int idle() {
        return kept.size();
    }

    @Override
    public synchronized void close() {
        closed = true;
        kept.values().forEach(server -> {
            vertx.cancelTimer(server.timer());
            server.client().close();
        });
        kept.clear();
    }
}
