package org.postbus.fetcher.imap.mailbox;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.event.EmailRef;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation.EmailObserved;
import org.postbus.event.Observation.EmailStateObserved;
import org.postbus.event.ObservedEmail;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.mime.ParsedEmail;
import org.postbus.model.Keyword;

/** Fetched messages as observations. {@code \Deleted} is no keyword; such a message stays until it is expunged. */
public final class ImapObservations {
    /** Of identities and threads that are Gmail's. */
    public static final String GMAIL_PREFIX = "gm:";

    private ImapObservations() {}

    /**
     * @param mailboxes the mailboxes that it is in by lying in {@code mailbox}, which is one of them
     * @param message with its flags
     */
    public static EmailObserved observed(
            MailboxKey mailbox,
            long uidValidity,
            Set<MailboxKey> mailboxes,
            FetchedMessage message,
            MessageContent content) {
        ParsedEmail parsed = content.parsed();
        return new EmailObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, message.uid()),
                mailboxes,
                keywords(message),
                boxed(message.modSeq()),
                new ObservedEmail(
                        message.gmail()
                                .flatMap(FetchedMessage.Gmail::messageId)
                                .map(GMAIL_PREFIX::concat)
                                .or(() -> message.emailId().map("emailid:"::concat)),
                        message.gmail()
                                .flatMap(FetchedMessage.Gmail::threadId)
                                .map(GMAIL_PREFIX::concat)
                                .or(() -> message.threadId().map("threadid:"::concat)),
                        Optional.empty(),
                        Optional.of(parsed.headerHash()),
                        parsed.headers(),
                        message.internalDate().orElseGet(() -> sentAt(parsed)),
                        message.size().orElse(content.octets()),
                        parsed.hasAttachment(),
                        parsed.preview(),
                        content.hasBody() ? Optional.of(parsed.body()) : Optional.empty()));
    }

    /**
     * @param mailboxes the mailboxes that it is in by lying in {@code mailbox}, which is one of them
     * @param message with its flags
     */
    public static EmailStateObserved state(
            MailboxKey mailbox, long uidValidity, Set<MailboxKey> mailboxes, FetchedMessage message) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, message.uid()),
                mailboxes,
                keywords(message),
                boxed(message.modSeq()));
    }

    public static EmailStateObserved state(
            MailboxKey mailbox, long uidValidity, long uid, Set<Keyword> keywords, OptionalLong modSeq) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, uid), Set.of(mailbox), keywords, boxed(modSeq));
    }

    public static Set<Keyword> keywords(FetchedMessage message) {
        return ImapFlag.keywords(message.flags().orElse(Set.of()));
    }

    /** For a server that leaves INTERNALDATE out: the sender's word is better than none. */
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

    public static Optional<Long> boxed(OptionalLong value) {
        return value.isPresent() ? Optional.of(value.getAsLong()) : Optional.empty();
    }
}
