package org.postbus.change;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.postbus.account.SyncState;
import org.postbus.model.AccountId;
import org.postbus.model.Email;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.Mailbox;
import org.postbus.model.MailboxId;
import org.postbus.model.MutationId;
import org.postbus.model.SubmissionId;
import org.postbus.model.TenantId;

/**
 * One effective change of the database: a row of {@code change_log} and the value of a record of the topic {@code postbus.changes}.
 * {@code docs/events.md} has a section for each kind of change, with its golden file.
 *
 * @param seq counts the account's changes from 1 without gaps, so a subscriber can detect that it missed one
 */
public record ChangeEvent(TenantId tenantId, AccountId accountId, long seq, Origin origin, Change change) {
    public ChangeEvent {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(origin);
        Objects.requireNonNull(change);
    }

    private static final Map<Class<?>, String> TYPES = Arrays.stream(
                    Change.class.getAnnotation(JsonSubTypes.class).value())
            .collect(Collectors.toUnmodifiableMap(JsonSubTypes.Type::value, JsonSubTypes.Type::name));

    /** The CloudEvents {@code type} of a change, such as {@code email.updated}. */
    public static String typeOf(Change change) {
        return TYPES.get(change.getClass());
    }

    /** What changed. The type's name is the CloudEvents {@code type}. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = MailboxCreated.class, name = "mailbox.created"),
        @JsonSubTypes.Type(value = MailboxUpdated.class, name = "mailbox.updated"),
        @JsonSubTypes.Type(value = MailboxDestroyed.class, name = "mailbox.destroyed"),
        @JsonSubTypes.Type(value = MailboxReset.class, name = "mailbox.reset"),
        @JsonSubTypes.Type(value = EmailCreated.class, name = "email.created"),
        @JsonSubTypes.Type(value = EmailUpdated.class, name = "email.updated"),
        @JsonSubTypes.Type(value = EmailDestroyed.class, name = "email.destroyed"),
        @JsonSubTypes.Type(value = AccountSynced.class, name = "account.synced"),
        @JsonSubTypes.Type(value = AccountStateChanged.class, name = "account.state"),
        @JsonSubTypes.Type(value = AccountDeleted.class, name = "account.deleted"),
        @JsonSubTypes.Type(value = MutationConfirmed.class, name = "mutation.confirmed"),
        @JsonSubTypes.Type(value = MutationRejected.class, name = "mutation.rejected"),
        @JsonSubTypes.Type(value = MutationFailed.class, name = "mutation.failed"),
        @JsonSubTypes.Type(value = MutationDiscarded.class, name = "mutation.discarded"),
        @JsonSubTypes.Type(value = SubmissionQueued.class, name = "submission.queued"),
        @JsonSubTypes.Type(value = SubmissionSent.class, name = "submission.sent"),
        @JsonSubTypes.Type(value = SubmissionRejected.class, name = "submission.rejected"),
        @JsonSubTypes.Type(value = SubmissionFailed.class, name = "submission.failed"),
        @JsonSubTypes.Type(value = SubmissionInDoubt.class, name = "submission.in-doubt"),
        @JsonSubTypes.Type(value = SubmissionCanceled.class, name = "submission.canceled")
    })
    public sealed interface Change {}

    public record MailboxCreated(Mailbox mailbox) implements Change {
        public MailboxCreated {
            Objects.requireNonNull(mailbox);
        }
    }

    /** @param previous the mailbox before the change */
    public record MailboxUpdated(Mailbox mailbox, Mailbox previous) implements Change {
        public MailboxUpdated {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(previous);
        }
    }

    public record MailboxDestroyed(MailboxId mailboxId) implements Change {
        public MailboxDestroyed {
            Objects.requireNonNull(mailboxId);
        }
    }

    /** The server changed the mailbox's UIDVALIDITY. Emails keep their ids; emails that really changed have events of their own. */
    public record MailboxReset(MailboxId mailboxId) implements Change {
        public MailboxReset {
            Objects.requireNonNull(mailboxId);
        }
    }

    public record EmailCreated(Email email) implements Change {
        public EmailCreated {
            Objects.requireNonNull(email);
        }
    }

    /**
     * Only the properties that changed are present. A move is one event with {@code mailboxIds}.
     *
     * @param threadId present when two threads were joined: the emails of the younger one get the id of the older one
     */
    public record EmailUpdated(
            Email email,
            Optional<Changed<Map<Keyword, Boolean>>> keywords,
            Optional<Changed<Map<MailboxId, Boolean>>> mailboxIds,
            Optional<Changed<String>> threadId)
            implements Change {
        public EmailUpdated {
            Objects.requireNonNull(email);
            Objects.requireNonNull(keywords);
            Objects.requireNonNull(mailboxIds);
            Objects.requireNonNull(threadId);
        }
    }

    public record EmailDestroyed(EmailId emailId) implements Change {
        public EmailDestroyed {
            Objects.requireNonNull(emailId);
        }
    }

    /** The initial sync of the account has ended: all of its mail is in the database. */
    public record AccountSynced() implements Change {}

    public record AccountStateChanged(SyncState state, Optional<String> error) implements Change {
        public AccountStateChanged {
            Objects.requireNonNull(state);
            Objects.requireNonNull(error);
        }
    }

    /** The account is deleted, and with it everything that Postbus stored for it. It is the account's last change. */
    public record AccountDeleted() implements Change {}

    /** The server has carried out the mutation, and a later sync pass has read the result. */
    public record MutationConfirmed(MutationId mutationId, Optional<EmailId> emailId) implements Change {
        public MutationConfirmed {
            Objects.requireNonNull(mutationId);
            Objects.requireNonNull(emailId);
        }
    }

    /** The server refuses the mutation permanently. Readers see the server's state again. */
    public record MutationRejected(MutationId mutationId, Optional<EmailId> emailId, String error) implements Change {
        public MutationRejected {
            Objects.requireNonNull(mutationId);
            Objects.requireNonNull(emailId);
            Objects.requireNonNull(error);
        }
    }

    /** All attempts have failed. Readers see the server's state again; a client may retry the mutation. */
    public record MutationFailed(MutationId mutationId, Optional<EmailId> emailId, String error) implements Change {
        public MutationFailed {
            Objects.requireNonNull(mutationId);
            Objects.requireNonNull(emailId);
            Objects.requireNonNull(error);
        }
    }

    /** A client has withdrawn the mutation. Readers see the server's state. */
    public record MutationDiscarded(MutationId mutationId, Optional<EmailId> emailId) implements Change {
        public MutationDiscarded {
            Objects.requireNonNull(mutationId);
            Objects.requireNonNull(emailId);
        }
    }

    /** A client has requested that a message be sent, for the first time or again. */
    public record SubmissionQueued(SubmissionId submissionId) implements Change {
        public SubmissionQueued {
            Objects.requireNonNull(submissionId);
        }
    }

    /**
     * The server has accepted the message.
     *
     * @param refused addresses of the recipients that it refused; never all of them
     */
    public record SubmissionSent(SubmissionId submissionId, List<String> refused) implements Change {
        public SubmissionSent {
            Objects.requireNonNull(submissionId);
            refused = List.copyOf(refused);
        }
    }

    /** The server refuses the message permanently. No recipient got it. */
    public record SubmissionRejected(SubmissionId submissionId, String error) implements Change {
        public SubmissionRejected {
            Objects.requireNonNull(submissionId);
            Objects.requireNonNull(error);
        }
    }

    /** All attempts have failed. No recipient got the message; a client may retry the submission. */
    public record SubmissionFailed(SubmissionId submissionId, String error) implements Change {
        public SubmissionFailed {
            Objects.requireNonNull(submissionId);
            Objects.requireNonNull(error);
        }
    }

    /**
     * It is unknown whether the message was sent. It is never sent again automatically. {@link SubmissionSent} follows if a copy of it is
     * found on the server.
     */
    public record SubmissionInDoubt(SubmissionId submissionId, String error) implements Change {
        public SubmissionInDoubt {
            Objects.requireNonNull(submissionId);
            Objects.requireNonNull(error);
        }
    }

    /** A client has withdrawn the submission before it was sent, or after it failed or was in doubt. */
    public record SubmissionCanceled(SubmissionId submissionId) implements Change {
        public SubmissionCanceled {
            Objects.requireNonNull(submissionId);
        }
    }
}
