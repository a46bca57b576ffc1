package org.postbus.fetcher.imap.message;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.Set;
import org.postbus.fetcher.imap.mailbox.ImapStates;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.mime.ParsedEmail;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.ObservedEmail;
import org.postbus.observation.ThreadIdentity;

/** Fetched messages as observations. Pure. */
final class FetchedEmails {
    private FetchedEmails() {}

    /**
     * @param mailboxes the mailboxes in which it is shown, {@code mailbox} among them
     * @param message with its flags
     */
    static EmailObserved observed(
            MailboxKey mailbox,
            long uidValidity,
            Set<MailboxKey> mailboxes,
            FetchedMessage message,
            MessageContent content) {
        ParsedEmail parsed = content.parsed();
        return new EmailObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, message.uid()),
                mailboxes,
                ImapStates.keywords(message),
                ImapStates.boxed(message.modSeq()),
                new ObservedEmail(
                        identity(message),
                        thread(message),
                        Optional.empty(),
                        Optional.of(parsed.headerHash()),
                        parsed.headers(),
                        message.internalDate().orElseGet(() -> sentAt(parsed)),
                        content instanceof MessageContent.Whole whole
                                ? whole.bytes()
                                : message.size().orElse(content.bytes()),
                        parsed.hasAttachment(),
                        parsed.preview(),
                        content.hasBody() ? Optional.of(parsed.body()) : Optional.empty()));
    }

    private static Optional<EmailIdentity> identity(FetchedMessage message) {
        return message.gmail()
                .flatMap(FetchedMessage.Gmail::messageId)
                .<EmailIdentity>map(EmailIdentity.Gmail::new)
                .or(() -> message.emailId().map(EmailIdentity.ObjectId::new));
    }

    private static Optional<ThreadIdentity> thread(FetchedMessage message) {
        return message.gmail()
                .flatMap(FetchedMessage.Gmail::threadId)
                .map(ThreadIdentity::ofGmail)
                .or(() -> message.threadId().map(ThreadIdentity::ofObjectId));
    }

    /** For a server that omits INTERNALDATE: the sender's date is better than none. */
    private static Instant sentAt(ParsedEmail parsed) {
        try {
            return parsed.headers()
                    .sentAt()
                    .map(OffsetDateTime::parse)
                    .map(OffsetDateTime::toInstant)
                    .orElse(Instant.EPOCH);
        } catch (DateTimeException notDate) {
            return Instant.EPOCH;
        }
    }
}
