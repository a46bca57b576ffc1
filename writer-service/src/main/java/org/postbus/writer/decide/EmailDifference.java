package org.postbus.writer.decide;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * The rows to write for the emails of an {@link EmailSet}. Deletions come first: a UID or an identity may pass from one email to another.
 *
 * @param destroyed ids of emails to delete, with all their other rows
 * @param references rows of {@code thread_reference} to insert: the thread by reference
 * @param changes what is appended to the change log, at most one change per email
 */
public record EmailDifference(
        List<UUID> destroyed,
        List<LinkKey> unlinked,
        List<UpdatedEmail> updated,
        List<CreatedEmail> created,
        List<LinkRow> linked,
        List<BodyRow> bodies,
        Map<String, UUID> references,
        List<Change> changes) {

    /** Key of a row of {@code email_mailbox}. */
    public record LinkKey(UUID emailId, Location location) {}

    /** The columns of {@code email} that can change. */
    public record UpdatedEmail(
            UUID id,
            Optional<EmailIdentity> identity,
            UUID threadId,
            Optional<String> blobId,
            List<String> keywords,
            Optional<Long> unlinkedPass,
            Optional<Set<UUID>> unlinkedFrom) {}

    /** A new row of {@code email}. */
    public record CreatedEmail(
            UUID id,
            Optional<EmailIdentity> identity,
            UUID threadId,
            Optional<String> blobId,
            List<String> keywords,
            Fingerprint fingerprint,
            ObservedEmail observed) {}

    /**
     * A row of {@code email_mailbox} to insert or update.
     *
     * @param keywords those of the location, where they differ from the email's
     */
    public record LinkRow(
            UUID emailId, Location location, Link link, Optional<List<String>> keywords, Instant receivedAt) {}

    /** A row of {@code email_body} to insert unless there is one. */
    public record BodyRow(UUID emailId, EmailBody body) {}

    /** Rows of {@code attachment} to insert. */
    public record AttachmentRow(UUID emailId, EmailBodyPart part) {}

    public List<AttachmentRow> attachments() {
        return bodies.stream()
                .flatMap(row -> row.body().attachments().stream().map(part -> new AttachmentRow(row.emailId(), part)))
                .toList();
    }
}
