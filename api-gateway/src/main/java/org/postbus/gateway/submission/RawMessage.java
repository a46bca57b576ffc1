package org.postbus.gateway.submission;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.postbus.gateway.problem.Problem;
import org.postbus.gateway.problem.Problem.Violation;
import org.postbus.gateway.problem.Violations;
import org.postbus.mail.mime.MimeLimits;
import org.postbus.mail.mime.MimeMessageReader;
import org.postbus.mail.smtp.OutgoingMessage;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailHeaders;

/**
 * A message that the client composed (RFC 5322). It is sent as it is, except that Bcc is removed, and Message-ID and Date are added if
 * missing. The envelope is read from its header. Pure.
 */
final class RawMessage {
    private RawMessage() {}

    /** @throws org.postbus.gateway.problem.ProblemException 422 with every violation */
    static NewMessage of(byte[] raw, Instant now) {
        if (raw.length == 0 || raw.length > NewMessage.OCTETS_MAX) {
            throw Problem.invalid(List.of(Violation.at("the message must have 1 octet to 10 MiB")));
        }
        OutgoingMessage message;
        try {
            message = OutgoingMessage.of(raw);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(List.of(Violation.at(e.getMessage())));
        }
        // With CRLF at the end of each line it may have more octets than the request.
        if (message.octets().length > NewMessage.OCTETS_MAX) {
            throw Problem.invalid(List.of(Violation.at("the message must have at most 10 MiB with CRLF line ends")));
        }
        // Without the body, which may have 10 MiB and is not needed.
        byte[] header = new OutgoingMessage(message.fields(), "").octets();
        EmailHeaders headers =
                MimeMessageReader.parse(header, MimeLimits.DEFAULTS).headers();
        Violations violations = new Violations();
        Optional<String> from = headers.from().stream().findFirst().flatMap(sender -> Addresses.valid(sender.email()));
        if (from.isEmpty()) {
            violations.add(Violation.at("From must have an address that mail can be sent from"));
        }
        Set<String> recipients = new LinkedHashSet<>();
        Stream.of(headers.to(), headers.cc(), headers.bcc())
                .flatMap(List::stream)
                .map(EmailAddress::email)
                .forEach(address -> Addresses.valid(address)
                        .ifPresentOrElse(
                                recipients::add,
                                () -> violations.add(
                                        Violation.at("mail can not be sent to this address: " + address))));
        if (recipients.isEmpty() || recipients.size() > NewMessage.RECIPIENTS_MAX) {
            violations.add(Violation.at("To, Cc and Bcc must have 1 to " + NewMessage.RECIPIENTS_MAX + " recipients"));
        }
        violations.throwIfAny();
        Optional<String> own = headers.messageId().stream().findFirst();
        String messageId = own.orElseGet(() -> newId(from.get()));
        if (own.isEmpty()) {
            message = message.with("Message-ID", "<" + messageId + ">");
        }
        if (message.field("Date").isEmpty()) {
            message = message.with("Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(now.atOffset(ZoneOffset.UTC)));
        }
        return new NewMessage(message, messageId, headers.subject().orElse(""), from.get(), List.copyOf(recipients));
    }

    static String newId(String mailFrom) {
        return UUID.randomUUID() + mailFrom.substring(mailFrom.lastIndexOf('@'));
    }
}
