package org.postbus.outbound.smtp;

import java.time.Duration;
import java.util.Optional;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.outbound.submission.SentMail;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionServer;

/** Sends by SMTP, and files the copy on the account's mail server. */
public final class SmtpSubmissionServer implements SubmissionServer {
    /** For a large message over a slow line, and the 10 minutes that RFC 5321 section 4.5.3.2.6 allows for the final reply. */
    private static final Duration SEND_TIME_MAX = Duration.ofMinutes(30);

    private final Optional<SmtpClient> smtp;
    private final boolean filesCopies;
    private final SentMail sentMail;
    private final Runnable onClose;

    /**
     * @param smtp empty if the account has no SMTP server
     * @param filesCopies whether that server files a copy in Sent itself
     * @param sentMail is closed with this
     * @param onClose returns the client to its pool
     */
    public SmtpSubmissionServer(Optional<SmtpClient> smtp, boolean filesCopies, SentMail sentMail, Runnable onClose) {
        this.smtp = smtp;
        this.filesCopies = filesCopies;
        this.sentMail = sentMail;
        this.onClose = onClose;
    }

    @Override
    public Accepted submit(Submission submission, Runnable beforeTransmission) {
        SmtpClient client = smtp.orElseThrow(() ->
                new ServerException(new ServerFailure.Rejected("no-smtp-server", "the account has no SMTP server")));
        OutgoingMessage message = OutgoingMessage.of(submission.message());
        beforeTransmission.run();
        SmtpClient.Delivery delivery = Await.uninterruptibly(
                client.send(submission.mailFrom(), submission.recipients(), message),
                SEND_TIME_MAX,
                ServerException::outcomeUnknown);
        return new Accepted(delivery.refused(), !filesCopies);
    }

    @Override
    public boolean isFiledInSent(Submission submission) {
        return sentMail.isFiledInSent(submission);
    }

    @Override
    public void copyToSent(Submission submission, Runnable beforeFiling) {
        sentMail.copyToSent(submission, beforeFiling);
    }

    @Override
    public void close() {
        onClose.run();
        sentMail.close();
    }
}
