package org.postbus.outbound.mutation;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.MailboxKey;

/**
 * The server's state as the database held it when the mutations were claimed: the emails and mailboxes that the mutations name, and the
 * mailboxes with the roles all, junk and trash. The server may have changed since. An email that is missing here is gone.
 */
public record ServerSnapshot(Map<EmailId, EmailSnapshot> emails, Map<MailboxId, MailboxSnapshot> mailboxes) {
    public static final ServerSnapshot EMPTY = new ServerSnapshot(Map.of(), Map.of());

    public ServerSnapshot {
        emails = Map.copyOf(emails);
        mailboxes = Map.copyOf(mailboxes);
    }

    public Optional<EmailSnapshot> email(EmailId id) {
        return Optional.ofNullable(emails.get(id));
    }

    public Optional<MailboxSnapshot> mailbox(MailboxId id) {
        return Optional.ofNullable(mailboxes.get(id));
    }

    /**
     * @param identity empty if the server has no ids of emails
     * @param locations empty if the email has left its last mailbox and may still appear in another
     */
    public record EmailSnapshot(
            Optional<EmailIdentity> identity, Optional<String> messageId, List<Location> locations) {
        public EmailSnapshot {
            Objects.requireNonNull(identity);
            Objects.requireNonNull(messageId);
            locations = List.copyOf(locations);
        }
    }

    /**
     * One mailbox that holds the email. {@code uidValidity} and {@code uid} are 0 on a JMAP server, and where a Gmail label stands for the
     * mailbox.
     */
    public record Location(MailboxId mailboxId, long uidValidity, long uid) {
        public Location {
            Objects.requireNonNull(mailboxId);
        }
    }

    /** The mailbox with this role, if there is one. */
    public Optional<MailboxSnapshot> mailbox(MailboxRole role) {
        return mailboxes.values().stream().filter(mailbox -> mailbox.is(role)).findFirst();
    }

    /** @param rawName the IMAP name as the server sent it; empty for JMAP */
    public record MailboxSnapshot(
            MailboxKey key, Optional<String> rawName, String path, Optional<MailboxRole> role, boolean selectable) {
        public MailboxSnapshot {
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
