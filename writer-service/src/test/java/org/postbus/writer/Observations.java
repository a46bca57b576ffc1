package org.postbus.writer;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;
import org.postbus.model.Keyword;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.MailboxObserved;
import org.postbus.observation.Observation.PassFinished;
import org.postbus.observation.Observation.UidsVanished;
import org.postbus.observation.ObservedEmail;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.UidRange;

/** Observations as fetchers publish them. */
public final class Observations {
    public static final Instant RECEIVED = Instant.parse("2026-03-01T08:00:00Z");
    public static final MailboxKey INBOX = MailboxKey.ofRawName("INBOX");
    public static final MailboxKey ARCHIVE = MailboxKey.ofRawName("Archive");

    private Observations() {}

    public static MailboxObserved mailbox(MailboxKey key) {
        return mailbox(key, Optional.empty(), Optional.empty(), 0);
    }

    public static MailboxObserved mailbox(
            MailboxKey key, Optional<MailboxKey> renamedFrom, Optional<MailboxKey> parent, long total) {
        String raw = key.value().substring(key.value().indexOf(':') + 1);
        return new MailboxObserved(new ObservedMailbox(
                key,
                renamedFrom,
                Optional.of(raw),
                raw.substring(raw.lastIndexOf('/') + 1),
                parent,
                Optional.empty(),
                0,
                true,
                true,
                total,
                0));
    }

    public static EmailHeaders headers(String messageId, List<String> references) {
        return new EmailHeaders(
                messageId.isEmpty() ? List.of() : List.of(messageId),
                List.of(),
                references,
                List.of(),
                List.of(new EmailAddress(Optional.of("Ann"), "ann@example.com")),
                List.of(new EmailAddress(Optional.empty(), "bob@example.com")),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("About " + messageId),
                Optional.empty());
    }

    /** Equal message ids give equal messages. */
    public static ObservedEmail email(String messageId) {
        return email(messageId, Optional.empty(), List.of());
    }

    public static ObservedEmail email(String messageId, Optional<String> identity, List<String> references) {
        EmailBodyPart text = new EmailBodyPart(
                "1",
                Optional.empty(),
                5,
                Optional.empty(),
                "text/plain",
                Optional.of("utf-8"),
                Optional.empty(),
                Optional.empty());
        EmailBodyPart attachment = new EmailBodyPart(
                "2",
                Optional.empty(),
                50,
                Optional.of("a.pdf"),
                "application/pdf",
                Optional.empty(),
                Optional.of("attachment"),
                Optional.empty());
        return new ObservedEmail(
                identity.map(EmailIdentity::of),
                Optional.empty(),
                Optional.empty(),
                Optional.of("hash-of-" + messageId),
                headers(messageId, references),
                RECEIVED,
                1000 + messageId.length(),
                true,
                "Hello",
                Optional.of(new EmailBody(
                        List.of(text),
                        List.of(),
                        List.of(attachment),
                        Map.of("1", new EmailBodyValue("Hello", false, false)))));
    }

    public static EmailObserved imap(
            MailboxKey mailbox, long uidValidity, long uid, ObservedEmail email, String... keywords) {
        return new EmailObserved(
                new EmailRef.ImapMessage(mailbox, uidValidity, uid),
                Set.of(mailbox),
                keywords(keywords),
                Optional.empty(),
                email);
    }

    public static EmailObserved imap(MailboxKey mailbox, long uid, String messageId, String... keywords) {
        return imap(mailbox, 1, uid, email(messageId), keywords);
    }

    public static EmailStateObserved state(MailboxKey mailbox, long uid, String... keywords) {
        return new EmailStateObserved(
                new EmailRef.ImapMessage(mailbox, 1, uid), Set.of(mailbox), keywords(keywords), Optional.empty());
    }

    public static EmailObserved jmap(String id, Set<MailboxKey> mailboxes, String... keywords) {
        return new EmailObserved(
                new EmailRef.JmapEmail(id),
                mailboxes,
                keywords(keywords),
                Optional.empty(),
                email(id + "@example.com", Optional.of("jmap:" + id), List.of()));
    }

    public static EmailStateObserved jmapState(String id, Set<MailboxKey> mailboxes, String... keywords) {
        return new EmailStateObserved(new EmailRef.JmapEmail(id), mailboxes, keywords(keywords), Optional.empty());
    }

    public static UidsVanished vanished(MailboxKey mailbox, long first, long last) {
        return new UidsVanished(mailbox, 1, List.of(new UidRange(first, last)));
    }

    /** The end of a complete pass without a number, so that it confirms nothing. */
    public static PassFinished pass() {
        return new PassFinished(TestAccount.NOW.minusSeconds(5), TestAccount.NOW, true, Optional.empty());
    }

    /** The end of a complete pass with this number. */
    public static PassFinished pass(long number) {
        return new PassFinished(TestAccount.NOW.minusSeconds(5), TestAccount.NOW, true, Optional.of(number));
    }

    public static Set<Keyword> keywords(String... keywords) {
        return Stream.of(keywords).map(Keyword::of).collect(Collectors.toSet());
    }
}
