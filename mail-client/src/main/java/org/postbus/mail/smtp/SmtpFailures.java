package org.postbus.mail.smtp;

import io.vertx.core.impl.NoStackTraceThrowable;
import io.vertx.ext.mail.SMTPException;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.Text;
import org.postbus.mail.egress.ConnectionErrors;

/** What a reply of the server and a broken connection mean. Pure (RFC 5321 section 4.2, RFC 4954 section 6). */
final class SmtpFailures {
    private static final int TEXT_LENGTH_MAX = 500;
    /** Error texts of Vert.x Mail for problems that it detects before the message is sent. */
    private static final String TOO_LARGE = "message exceeds allowed size limit";

    static final String NO_RECIPIENT = "no recipient addresses were accepted";

    private SmtpFailures() {}

    /** @param begun whether the message may have been sent: then only a reply shows the outcome */
    static ServerFailure of(Throwable cause, boolean begun) {
        return switch (cause) {
            // The message may have been sent, whatever followed.
            case ServerException known
            when begun ->
                new ServerFailure.OutcomeUnknown("the connection broke before the server's answer: "
                        + known.failure().text());
            case ServerException known -> known.failure();
            case SMTPException reply -> ofReply(reply.getReplyCode(), text(reply));
            case IllegalArgumentException unfit -> new ServerFailure.Rejected("invalid", text(unfit));
            case Throwable refused
            when text(refused).startsWith(TOO_LARGE) || text(refused).startsWith(NO_RECIPIENT) ->
                new ServerFailure.Rejected("invalid", text(refused));
            case Throwable broken
            when begun ->
                new ServerFailure.OutcomeUnknown("the connection broke before the server's answer: " + words(broken));
            case Throwable broken -> new ServerFailure.Unreachable(words(broken));
        };
    }

    static ServerFailure ofReply(int code, String text) {
        return switch (code) {
            case 530, 534, 535, 538 -> new ServerFailure.AuthRejected(text);
            // The server closes the connection; 454 is a temporary failure of the login.
            case 421, 454 -> new ServerFailure.Unreachable(text);
            default ->
                code >= 500
                        ? new ServerFailure.Rejected("smtp-" + code, text)
                        // A problem of this message or recipient, not of the account: greylisting, a full mailbox.
                        : new ServerFailure.Throttled(text, Optional.empty());
        };
    }

    /** Our own, or those of Vert.x Mail: other exceptions may quote what the server sent. */
    private static String words(Throwable broken) {
        return broken instanceof NoStackTraceThrowable ? text(broken) : ConnectionErrors.sentence(broken);
    }

    /** With the code and enhanced code of the reply as the server sent them. */
    static String text(Throwable cause) {
        String text = cause instanceof SMTPException reply
                ? String.join(" / ", reply.getReplyMessages())
                : cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return Text.cut(Text.clean(text), TEXT_LENGTH_MAX);
    }
}
