package org.postbus.gateway.submission;

import java.util.List;
import java.util.Objects;
import org.postbus.mail.smtp.OutgoingMessage;

/**
 * A message that is ready to be sent, and its envelope.
 *
 * @param messageId the message's own, without angle brackets
 * @param recipients in the order of To, Cc and Bcc, without duplicates
 */
record NewMessage(OutgoingMessage message, String messageId, String subject, String mailFrom, List<String> recipients) {
    /** Octets of a whole message: 10 MiB. */
    static final int OCTETS_MAX = 10 << 20;

    static final int RECIPIENTS_MAX = 100;

    NewMessage {
        Objects.requireNonNull(message);
        Objects.requireNonNull(messageId);
        Objects.requireNonNull(subject);
        Objects.requireNonNull(mailFrom);
        recipients = List.copyOf(recipients);
    }
}
