package org.postbus.writer.decide;

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

/** How many emails the running pass has created, updated and destroyed so far. */
public record EmailCounts(long created, long updated, long destroyed) {
    public static final EmailCounts NONE = new EmailCounts(0, 0, 0);

    EmailCounts plus(Change change) {
        return switch (change) {
            case EmailCreated email -> new EmailCounts(created + 1, updated, destroyed);
            case EmailUpdated email -> new EmailCounts(created, updated + 1, destroyed);
            case EmailDestroyed email -> new EmailCounts(created, updated, destroyed + 1);
            case MailboxCreated mailbox -> this;
            case MailboxUpdated mailbox -> this;
            case MailboxDestroyed mailbox -> this;
            case MailboxReset mailbox -> this;
            case AccountSynced account -> this;
            case AccountStateChanged account -> this;
            case AccountDeleted deleted -> this;
            case MutationConfirmed mutation -> this;
            case MutationRejected mutation -> this;
            case MutationFailed mutation -> this;
            case MutationDiscarded mutation -> this;
            case SubmissionQueued submission -> this;
            case SubmissionSent submission -> this;
            case SubmissionRejected submission -> this;
            case SubmissionFailed submission -> this;
            case SubmissionInDoubt submission -> this;
            case SubmissionCanceled submission -> this;
        };
    }
}
