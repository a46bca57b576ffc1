package org.postbus.outbound.flush;

import java.time.Duration;
import java.util.Optional;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.account.ServerAddress;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.kit.concurrent.IdlePool;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.outbound.imap.ImapSentMail;
import org.postbus.outbound.jmap.JmapSentMail;
import org.postbus.outbound.jmap.JmapSubmissionServer;
import org.postbus.outbound.smtp.FiledCopies;
import org.postbus.outbound.smtp.SmtpSubmissionServer;
import org.postbus.outbound.submission.SentMail;
import org.postbus.outbound.submission.SubmissionServer;
import org.postbus.outbound.table.AccountTable;

/**
 * Opens accounts' servers for submissions, and keeps the SMTP client of an account for a while: users often send several messages within
 * minutes. A JMAP server sends if it offers submission; otherwise the account's SMTP server sends, and the mail server holds the copy.
 * Thread-safe.
 */
public final class SubmissionServers implements SubmissionFlusher.Opening, AutoCloseable {
    private static final IdlePool.Limits LIMITS = new IdlePool.Limits(Duration.ofSeconds(60), 1, 1_000);

    private final EgressConnector egress;
    private final ImapClient imap;
    private final CredentialCipher cipher;
    private final Optional<String> trustedCertificates;
    private final IdlePool<AccountId, SmtpClient> idle;

    /** @param trustedCertificates see {@link SmtpClient#of} */
    public SubmissionServers(
            EgressConnector egress, ImapClient imap, CredentialCipher cipher, Optional<String> trustedCertificates) {
        this.egress = egress;
        this.imap = imap;
        this.cipher = cipher;
        this.trustedCertificates = trustedCertificates;
        this.idle = new IdlePool<>(egress.vertx(), LIMITS, SmtpClient::isUsable, SmtpClient::close);
    }

    @Override
    public SubmissionServer open(
            TenantId tenant, AccountId account, AccountTable.Login login, Optional<MailboxName> sent) {
        Credential credential = login.credential(cipher, tenant, account);
        return switch (login.settings()) {
            case AccountSettings.Imap settings ->
                bySmtp(account, login, credential, settings.smtp(), new ImapSentMail(settings, credential, imap, sent));
            case AccountSettings.Jmap settings -> {
                JmapSentMail sentMail = JmapSentMail.open(egress, settings, credential);
                yield sentMail.offersSubmission() || settings.smtp().isEmpty()
                        ? new JmapSubmissionServer(sentMail)
                        : bySmtp(account, login, credential, settings.smtp(), sentMail);
            }
        };
    }

    private SubmissionServer bySmtp(
            AccountId account,
            AccountTable.Login login,
            Credential credential,
            Optional<ServerAddress> address,
            SentMail sentMail) {
        Optional<SmtpClient> smtp = address.map(server -> idle.take(account, login.revision())
                .orElseGet(() ->
                        SmtpClient.of(egress, server, login.settings().username(), credential, trustedCertificates)));
        return new SmtpSubmissionServer(
                smtp,
                address.map(ServerAddress::host).filter(FiledCopies::areFiledBy).isPresent(),
                sentMail,
                () -> smtp.ifPresent(client -> idle.giveBack(account, login.revision(), client)));
    }

    /** Idle SMTP clients of all accounts. */
    public int idle() {
        return idle.size();
    }

    @Override
    public void close() {
        idle.close();
    }
}
