package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.model.Keyword;
import org.postbus.model.MutationId;

/**
 * One thing that a mail server told a fetcher. Always absolute ("its keywords are …"), never a delta: applying it twice is
 * the same as applying it once.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Observation.MailboxObserved.class, name = "mailbox-observed"),
    @JsonSubTypes.Type(value = Observation.MailboxVanished.class, name = "mailbox-vanished"),
    @JsonSubTypes.Type(value = Observation.MailboxReset.class, name = "mailbox-reset"),
    @JsonSubTypes.Type(value = Observation.EmailObserved.class, name = "email-observed"),
    @JsonSubTypes.Type(value = Observation.EmailStateObserved.class, name = "email-state-observed"),
    @JsonSubTypes.Type(value = Observation.UidsVanished.class, name = "uids-vanished"),
    @JsonSubTypes.Type(value = Observation.MessageQuarantined.class, name = "message-quarantined"),
    @JsonSubTypes.Type(value = Observation.EmailsDestroyed.class, name = "emails-destroyed"),
    // "jmap-ids-changed" is the name in records of earlier builds.
    @JsonSubTypes.Type(
            value = Observation.JmapIdsReassigned.class,
            name = "jmap-ids-reassigned",
            names = {"jmap-ids-changed"}),
    @JsonSubTypes.Type(value = Observation.ScopeSynced.class, name = "scope-synced"),
    @JsonSubTypes.Type(value = Observation.PassFinished.class, name = "pass-finished"),
    @JsonSubTypes.Type(value = Observation.AccountStateObserved.class, name = "account-state-observed")
})
public sealed interface Observation {

    /** A parent comes before its children. */
    record MailboxObserved(ObservedMailbox mailbox) implements Observation {
        public MailboxObserved {
            Objects.requireNonNull(mailbox);
        }
    }

    record MailboxVanished(MailboxKey mailbox) implements Observation {
        public MailboxVanished {
            Objects.requireNonNull(mailbox);
        }
    }

    /** The mailbox has another UIDVALIDITY: every link under an older one is void, the emails wait to be linked again. */
    record MailboxReset(MailboxKey mailbox, long uidValidity) implements Observation {
        public MailboxReset {
            Objects.requireNonNull(mailbox);
        }
    }

    /**
     * An email with all that is known of it.
     *
     * @param mailboxes JMAP: all mailboxes it is in. IMAP: the mailbox of the ref, and those that it is in by being there (Gmail
     *     keeps a message once and gives it labels); it says nothing about other messages that are the same email
     * @param modSeq IMAP with CONDSTORE only
     */
    record EmailObserved(
            EmailRef ref, Set<MailboxKey> mailboxes, Set<Keyword> keywords, Optional<Long> modSeq, ObservedEmail email)
            implements Observation {
        public EmailObserved {
            Objects.requireNonNull(ref);
            mailboxes = Set.copyOf(mailboxes);
            keywords = Set.copyOf(keywords);
            Objects.requireNonNull(modSeq);
            Objects.requireNonNull(email);
        }
    }

    /** The changing part of an email that is already known; of an unknown one it is ignored. Fields as above. */
    record EmailStateObserved(EmailRef ref, Set<MailboxKey> mailboxes, Set<Keyword> keywords, Optional<Long> modSeq)
            implements Observation {
        public EmailStateObserved {
            Objects.requireNonNull(ref);
            mailboxes = Set.copyOf(mailboxes);
            keywords = Set.copyOf(keywords);
            Objects.requireNonNull(modSeq);
        }
    }

    /** These UIDs are not in the mailbox any more; the ranges may also cover UIDs that never were. */
    record UidsVanished(MailboxKey mailbox, long uidValidity, List<UidRange> uids) implements Observation {
        public UidsVanished {
            Objects.requireNonNull(mailbox);
            uids = List.copyOf(uids);
        }
    }

    /**
     * A message that the mailbox lists but that cannot be read, and is not asked for any more until a full pass.
     *
     * @param reason for people; at most {@value #REASON_LENGTH_MAX} characters
     */
    record MessageQuarantined(MailboxKey mailbox, long uidValidity, long uid, String reason) implements Observation {
        public static final int REASON_LENGTH_MAX = 500;

        public MessageQuarantined {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(reason);
        }
    }

    /** JMAP ids that are gone for good. */
    record EmailsDestroyed(List<String> jmapIds) implements Observation {
        public EmailsDestroyed {
            jmapIds = List.copyOf(jmapIds);
        }
    }

    /**
     * The server destroyed these emails and made them again under other ids: the same messages, perhaps in another thread (RFC 8621
     * section 3). They are the same emails to the world. What is not known under its old id is left as it is.
     *
     * @param newIds by old JMAP id the new one
     */
    record JmapIdsReassigned(Map<String, String> newIds) implements Observation {
        public JmapIdsReassigned {
            newIds = Map.copyOf(newIds);
        }
    }

    /** Everything up to this cursor stands before it in the same or an earlier batch. */
    record ScopeSynced(SyncScope scope, Cursor cursor) implements Observation {
        public ScopeSynced {
            Objects.requireNonNull(scope);
            Objects.requireNonNull(cursor);
        }
    }

    /**
     * A complete sync pass: every mailbox of the account has been checked. Emails that lost their last mailbox before this pass
     * began are now destroyed.
     *
     * @param initialRunEnded whether every scope is complete: the account's initial sync has ended
     * @param confirmed mutations that were {@code applied} before this pass began
     * @param pass the number of this pass, persisted before it read anything from the server. Mutations that were stamped with a smaller
     *     number when they were applied are confirmed
     */
    record PassFinished(
            Instant startedAt,
            Instant finishedAt,
            boolean initialRunEnded,
            List<MutationId> confirmed,
            Optional<Long> pass)
            implements Observation {
        public PassFinished {
            Objects.requireNonNull(startedAt);
            Objects.requireNonNull(finishedAt);
            confirmed = List.copyOf(confirmed);
            Objects.requireNonNull(pass);
        }

        public PassFinished(
                Instant startedAt, Instant finishedAt, boolean initialRunEnded, List<MutationId> confirmed) {
            this(startedAt, finishedAt, initialRunEnded, confirmed, Optional.empty());
        }
    }

    /**
     * @param error for people: what happened and what to do
     * @param retryAt when the server is asked again, with {@link SyncState#BACKOFF}
     */
    record AccountStateObserved(
            SyncState state, Optional<String> error, Optional<Instant> retryAt, Optional<PushKind> push)
            implements Observation {
        public AccountStateObserved {
            Objects.requireNonNull(state);
            Objects.requireNonNull(error);
            Objects.requireNonNull(retryAt);
            Objects.requireNonNull(push);
        }
    }
}
