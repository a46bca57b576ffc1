package org.postbus.gateway.submission;

import java.util.List;
import java.util.Objects;
import org.postbus.mail.smtp.OutgoingMessage;

/**
 * A message that is ready to go, with its envelope.
 *
 * @param messageId without {@code <>}; it stands in the message
 * @param recipients in the order of To, Cc and Bcc, each once
 */
record NewMessage(OutgoingMessage message, String messageId, String subject, String mailFrom, List<String> recipients) {
    /** Of a whole message, in octets: 10 MiB. */
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
