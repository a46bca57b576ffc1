package org.postbus.outbound.submission;

import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.ImapClient;
import org.postbus.mail.imap.ImapConnection;
import org.postbus.mail.imap.ImapFlag;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.mail.smtp.SmtpClient;

/** Sends by SMTP, and keeps the copy by IMAP: APPEND to the mailbox for sent mail, after a look for the Message-ID there. */
final class SmtpSubmissionServer implements SubmissionServer {
    /** A message over a slow line, and the server's 10 minutes to think about it. */
    private static final Duration SEND_TIME_MAX = Duration.ofMinutes(30);

    private static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(5);

    private final AccountSettings.Imap settings;
    private final Credential credential;
    private final Optional<SmtpClient> smtp;
    private final ImapClient imap;
    private final Optional<MailboxName> sent;
    private final Runnable onClose;
    private ImapConnection connection;

    /**
     * @param smtp empty if the account has no SMTP server
     * @param onClose takes it back
     */
    SmtpSubmissionServer(
            AccountSettings.Imap settings,
            Credential credential,
            Optional<SmtpClient> smtp,
            ImapClient imap,
            Optional<MailboxName> sent,
            Runnable onClose) {
        this.settings = settings;
        this.credential = credential;
        this.smtp = smtp;
        this.imap = imap;
        this.sent = sent;
        this.onClose = onClose;
    }

    @Override
    public Taken submit(Submission submission, Runnable handingOver) {
        SmtpClient client = smtp.orElseThrow(() ->
                new ServerException(new ServerFailure.Rejected("no-smtp-server", "the account has no SMTP server")));
        OutgoingMessage message = OutgoingMessage.of(submission.message());
        handingOver.run();
        try {
            SmtpClient.Delivery delivery = client.send(submission.mailFrom(), submission.recipients(), message)
                    .await()
                    .atMost(SEND_TIME_MAX);
            boolean copyMissing =
                    !SentCopies.areKeptBy(settings.smtp().orElseThrow().host());
            return new Taken(delivery.refused(), copyMissing);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.OutcomeUnknown("no answer within " + SEND_TIME_MAX.toMinutes() + " minutes"), e);
        }
    }

    @Override
    public boolean isAmongSent(Submission submission) {
        return sent.isPresent() && isIn(sent.get(), submission);
    }

    @Override
    public void copyToSent(Submission submission) {
        MailboxName mailbox = sent.orElseThrow(() -> new ServerException(
                new ServerFailure.Rejected("no-sent-mailbox", "the account has no mailbox for sent mail")));
        if (!isIn(mailbox, submission)) {
            await(connection().append(mailbox, Set.of(ImapFlag.SEEN), Optional.empty(), submission.message()));
        }
    }

    private boolean isIn(MailboxName mailbox, Submission submission) {
        await(connection().select(mailbox, true));
        return !await(connection().uidSearchMessageId("<" + submission.messageId() + ">"))
                .isEmpty();
    }

    private ImapConnection connection() {
        if (connection == null) {
            connection = await(imap.open(settings.imap(), settings.username(), credential));
        }
        return connection;
    }

    private static <T> T await(Uni<T> answer) {
        try {
            return answer.await().atMost(COMMAND_TIME_MAX);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.Unreachable("no answer within " + COMMAND_TIME_MAX.toMinutes() + " minutes"), e);
        }
    }

    @Override
    public void close() {
        onClose.run();
        if (connection != null) {
            connection.logout().subscribe().with(done -> {}, failure -> {});
        }
    }
}
