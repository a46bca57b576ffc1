package org.postbus.writer.decide;

import java.util.Optional;
import java.util.UUID;
import org.postbus.change.ChangeEvent.AccountDeleted;
import org.postbus.change.ChangeEvent.AccountStateChanged;
import org.postbus.change.ChangeEvent.AccountSynced;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.ChangeEvent.MailboxCreated;
import org.postbus.change.ChangeEvent.MailboxDestroyed;
import org.postbus.change.ChangeEvent.MailboxReset;
import org.postbus.change.ChangeEvent.MailboxUpdated;
import org.postbus.change.ChangeEvent.MutationConfirmed;
import org.postbus.change.ChangeEvent.MutationDiscarded;
import org.postbus.change.ChangeEvent.MutationFailed;
import org.postbus.change.ChangeEvent.MutationRejected;
import org.postbus.change.ChangeEvent.SubmissionCanceled;
import org.postbus.change.ChangeEvent.SubmissionFailed;
import org.postbus.change.ChangeEvent.SubmissionInDoubt;
import org.postbus.change.ChangeEvent.SubmissionQueued;
import org.postbus.change.ChangeEvent.SubmissionRejected;
import org.postbus.change.ChangeEvent.SubmissionSent;

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
            case AccountDeleted deleted -> Optional.empty();
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
