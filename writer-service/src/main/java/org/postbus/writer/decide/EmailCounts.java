package org.postbus.writer.decide;

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
