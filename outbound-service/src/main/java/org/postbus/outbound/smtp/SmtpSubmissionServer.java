package org.postbus.outbound.smtp;

import io.smallrye.mutiny.TimeoutException;
import java.time.Duration;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.mail.smtp.SmtpClient;
import org.postbus.outbound.submission.SentMail;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionServer;

/** Sends by SMTP, and keeps the copy where the account's mail is. */
public final class SmtpSubmissionServer implements SubmissionServer {
    /** A message over a slow line, and the server's 10 minutes to think about it. */
    private static final Duration SEND_TIME_MAX = Duration.ofMinutes(30);

    private final Optional<SmtpClient> smtp;
    private final boolean keepsCopies;
    private final SentMail sentMail;
    private final Runnable onClose;

    /**
     * @param smtp empty if the account has no SMTP server
     * @param keepsCopies whether that server files what it sends by itself
     * @param sentMail is closed with this
     * @param onClose takes the client back
     */
    public SmtpSubmissionServer(Optional<SmtpClient> smtp, boolean keepsCopies, SentMail sentMail, Runnable onClose) {
        this.smtp = smtp;
        this.keepsCopies = keepsCopies;
        this.sentMail = sentMail;
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
            return new Taken(delivery.refused(), !keepsCopies);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.OutcomeUnknown("no answer within " + SEND_TIME_MAX.toMinutes() + " minutes"), e);
        }
    }

    @Override
    public boolean isFiledInSent(Submission submission) {
        return sentMail.isFiledInSent(submission);
    }

    @Override
    public void copyToSent(Submission submission) {
        sentMail.copyToSent(submission);
    }

    @Override
    public void close() {
        onClose.run();
        sentMail.close();
    }
}
