package org.postbus.outbound;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.observation.MailboxKey;

/**
 * What the database knew, when the wishes were claimed, of the emails and mailboxes that they name, and of the mailboxes for all mail, junk
 * and trash: the server's word, some moments old. An email that is not in it is gone.
 */
public record Known(Map<EmailId, KnownEmail> emails, Map<MailboxId, KnownMailbox> mailboxes) {
    public static final Known NOTHING = new Known(Map.of(), Map.of());

    public Known {
        emails = Map.copyOf(emails);
        mailboxes = Map.copyOf(mailboxes);
    }

    public Optional<KnownEmail> email(EmailId id) {
        return Optional.ofNullable(emails.get(id));
    }

    public Optional<KnownMailbox> mailbox(MailboxId id) {
        return Optional.ofNullable(mailboxes.get(id));
    }

    /**
     * @param identity as {@code ObservedEmail.identity}
     * @param links empty if it was seen to leave its last mailbox and may turn up in another
     */
    public record KnownEmail(Optional<String> identity, Optional<String> messageId, List<Link> links) {
        public KnownEmail {
            Objects.requireNonNull(identity);
            Objects.requireNonNull(messageId);
            links = List.copyOf(links);
        }
    }

    /** Where an email lies. {@code uidValidity} and {@code uid} are 0 for JMAP, and for a mailbox that it is in by a label. */
    public record Link(MailboxId mailboxId, long uidValidity, long uid) {
        public Link {
            Objects.requireNonNull(mailboxId);
        }
    }

    /** The mailbox for this purpose, if there is one. */
    public Optional<KnownMailbox> mailbox(MailboxRole role) {
        return mailboxes.values().stream().filter(mailbox -> mailbox.is(role)).findFirst();
    }

    /** @param rawName the IMAP name as the server sent it; empty for JMAP */
    public record KnownMailbox(
            MailboxKey key, Optional<String> rawName, String path, Optional<MailboxRole> role, boolean selectable) {
        public KnownMailbox {
            Objects.requireNonNull(key);
            Objects.requireNonNull(rawName);
            Objects.requireNonNull(path);
            Objects.requireNonNull(role);
        }

        public boolean is(MailboxRole wanted) {
            return role.filter(wanted::equals).isPresent();
        }
    }
}
