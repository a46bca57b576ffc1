package org.postbus.writer.decide;

import java.util.Optional;
import java.util.UUID;
import org.postbus.event.ChangeEvent.AccountStateChanged;
import org.postbus.event.ChangeEvent.AccountSynced;
import org.postbus.event.ChangeEvent.Change;
import org.postbus.event.ChangeEvent.EmailCreated;
import org.postbus.event.ChangeEvent.EmailDestroyed;
import org.postbus.event.ChangeEvent.EmailUpdated;
import org.postbus.event.ChangeEvent.MailboxCreated;
import org.postbus.event.ChangeEvent.MailboxDestroyed;
import org.postbus.event.ChangeEvent.MailboxReset;
import org.postbus.event.ChangeEvent.MailboxUpdated;
import org.postbus.event.ChangeEvent.MutationConfirmed;
import org.postbus.event.ChangeEvent.MutationDiscarded;
import org.postbus.event.ChangeEvent.MutationFailed;
import org.postbus.event.ChangeEvent.MutationRejected;
import org.postbus.event.ChangeEvent.SubmissionCanceled;
import org.postbus.event.ChangeEvent.SubmissionFailed;
import org.postbus.event.ChangeEvent.SubmissionInDoubt;
import org.postbus.event.ChangeEvent.SubmissionQueued;
import org.postbus.event.ChangeEvent.SubmissionRejected;
import org.postbus.event.ChangeEvent.SubmissionSent;

/** The object that a change is about: {@code change_log.object_id}, {@code ce_subject} of the record. */
public final class ChangedObject {
    private ChangedObject() {}

    /** Empty if the change is about the account itself. */
    public static Optional<UUID> idOf(Change change) {
        return switch (change) {
            case EmailCreated created -> Optional.of(created.email().id().value());
            case EmailUpdated updated -> Optional.of(updated.email().id().value());
            case EmailDestroyed destroyed -> Optional.of(destroyed.emailId().value());
            case MailboxCreated created -> Optional.of(created.mailbox().id().value());
            case MailboxUpdated updated -> Optional.of(updated.mailbox().id().value());
            case MailboxDestroyed destroyed -> Optional.of(destroyed.mailboxId().value());
            case MailboxReset reset -> Optional.of(reset.mailboxId().value());
            case AccountSynced synced -> Optional.empty();
            case AccountStateChanged changed -> Optional.empty();
            case MutationConfirmed confirmed ->
                Optional.of(confirmed.mutationId().value());
            case MutationRejected rejected -> Optional.of(rejected.mutationId().value());
            case MutationFailed failed -> Optional.of(failed.mutationId().value());
            case MutationDiscarded discarded ->
                Optional.of(discarded.mutationId().value());
            case SubmissionQueued queued -> Optional.of(queued.submissionId().value());
            case SubmissionSent sent -> Optional.of(sent.submissionId().value());
            case SubmissionRejected rejected ->
                Optional.of(rejected.submissionId().value());
            case SubmissionFailed failed -> Optional.of(failed.submissionId().value());
            case SubmissionInDoubt inDoubt -> Optional.of(inDoubt.submissionId().value());
            case SubmissionCanceled canceled ->
                Optional.of(canceled.submissionId().value());
        };
    }
}
