package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.account.LimitsExceeded;
import org.postbus.account.PushKind;
import org.postbus.account.SyncState;
import org.postbus.model.Keyword;

/**
 * One fact that a mail server reported to a fetcher. It is absolute ("its keywords are ..."), never a delta, so applying it twice has the
 * same result as applying it once.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Observation.MailboxObserved.class, name = "mailbox-observed"),
    @JsonSubTypes.Type(value = Observation.MailboxVanished.class, name = "mailbox-vanished"),
    @JsonSubTypes.Type(value = Observation.MailboxReset.class, name = "mailbox-reset"),
    @JsonSubTypes.Type(value = Observation.EmailObserved.class, name = "email-observed"),
    @JsonSubTypes.Type(value = Observation.EmailStateObserved.class, name = "email-state-observed"),
    @JsonSubTypes.Type(value = Observation.UidsVanished.class, name = "uids-vanished"),
    // Named so in records of earlier builds, whose writers take a deferred message for a quarantined one.
    @JsonSubTypes.Type(value = Observation.MessageNotRead.class, name = "message-quarantined"),
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

    /** A mailbox exists. Within a pass a parent is observed before its children. */
    record MailboxObserved(ObservedMailbox mailbox) implements Observation {
        public MailboxObserved {
            Objects.requireNonNull(mailbox);
        }
    }

    /** The mailbox is not listed any more. */
    record MailboxVanished(MailboxKey mailbox) implements Observation {
        public MailboxVanished {
            Objects.requireNonNull(mailbox);
        }
    }

    /** The mailbox's UIDVALIDITY has changed: all locations under an older one are void, and its emails are linked again. */
    record MailboxReset(MailboxKey mailbox, long uidValidity) implements Observation {
        public MailboxReset {
            Objects.requireNonNull(mailbox);
        }
    }

    /**
     * An email with all of its properties.
     *
     * @param mailboxes JMAP: all mailboxes of the email. IMAP: the mailbox of {@code ref}; on Gmail also the mailboxes of its labels. It
     *     does not say that other messages with the same identity are gone
     * @param modSeq MODSEQ (RFC 7162); empty for JMAP and for IMAP without CONDSTORE
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

    /** The properties of an email that can change, as in {@link EmailObserved}. Ignored if the email is not stored. */
    record EmailStateObserved(EmailRef ref, Set<MailboxKey> mailboxes, Set<Keyword> keywords, Optional<Long> modSeq)
            implements Observation {
        public EmailStateObserved {
            Objects.requireNonNull(ref);
            mailboxes = Set.copyOf(mailboxes);
            keywords = Set.copyOf(keywords);
            Objects.requireNonNull(modSeq);
        }
    }

    /** These UIDs are not in the mailbox any more. The ranges may include UIDs that never existed. */
    record UidsVanished(MailboxKey mailbox, long uidValidity, List<UidRange> uids) implements Observation {
        public UidsVanished {
            Objects.requireNonNull(mailbox);
            uids = List.copyOf(uids);
        }
    }

    /**
     * A message that exists on the server and could not be read. It is deferred or quarantined until it is observed, or vanishes.
     *
     * @param mailbox IMAP: the mailbox of the location. JMAP: {@link #NO_MAILBOX}, and 0 for the numbers
     * @param reason in plain words, for the API; at most {@value #REASON_LENGTH_MAX} characters
     * @param jmapId the JMAP Email id; empty for IMAP
     * @param failures empty in records of earlier builds: the message is quarantined
     */
    record MessageNotRead(
            MailboxKey mailbox,
            long uidValidity,
            long uid,
            String reason,
            Optional<String> jmapId,
            Optional<ReadFailures> failures)
            implements Observation {
        public static final int REASON_LENGTH_MAX = 500;
        /** No mailbox has this key, so writers of earlier builds ignore an email of JMAP. */
        public static final MailboxKey NO_MAILBOX = MailboxKey.ofId("");

        public MessageNotRead {
            Objects.requireNonNull(mailbox);
            Objects.requireNonNull(reason);
            Objects.requireNonNull(jmapId);
            Objects.requireNonNull(failures);
        }

        public static MessageNotRead imap(
                MailboxKey mailbox, long uidValidity, long uid, String reason, ReadFailures failures) {
            return new MessageNotRead(mailbox, uidValidity, uid, reason, Optional.empty(), Optional.of(failures));
        }

        public static MessageNotRead jmap(String id, String reason, ReadFailures failures) {
            return new MessageNotRead(NO_MAILBOX, 0, 0, reason, Optional.of(id), Optional.of(failures));
        }
    }

    /** JMAP ids of emails that were destroyed (RFC 8620 section 5.2). */
    record EmailsDestroyed(List<String> jmapIds) implements Observation {
        public EmailsDestroyed {
            jmapIds = List.copyOf(jmapIds);
        }
    }

    /**
     * The server destroyed these emails and created them again with other ids: the same messages, possibly in another thread (RFC 8621
     * section 3). They keep their Postbus ids. An old id that is not stored is ignored.
     *
     * @param newIds the new JMAP id by the old one
     */
    record JmapIdsReassigned(Map<String, String> newIds) implements Observation {
        public JmapIdsReassigned {
            newIds = Map.copyOf(newIds);
        }
    }

    /** The scope has been read up to this cursor: all observations that it covers are before it, in this batch or an earlier one. */
    record ScopeSynced(SyncScope scope, Cursor cursor) implements Observation {
        public ScopeSynced {
            Objects.requireNonNull(scope);
            Objects.requireNonNull(cursor);
        }
    }

    /**
     * A sync pass has ended. Emails that lost their last mailbox before it began are now destroyed.
     *
     * @param initialRunEnded whether every scope is complete: the account's initial sync has ended
     * @param pass every mailbox has been checked by passes with this number or a greater one; empty if that is not certain. The number of a
     *     pass is persisted before it reads anything from the server, so mutations that were stamped with a smaller number are confirmed
     */
    record PassFinished(Instant startedAt, Instant finishedAt, boolean initialRunEnded, Optional<Long> pass)
            implements Observation {
        public PassFinished {
            Objects.requireNonNull(startedAt);
            Objects.requireNonNull(finishedAt);
            Objects.requireNonNull(pass);
        }
    }

    /**
     * The state of the account's sync has changed.
     *
     * @param error what happened and what to do, for the API
     * @param retryAt the time of the next attempt, with {@link SyncState#BACKOFF}
     * @param limitsExceeded empty: as before
     */
    record AccountStateObserved(
            SyncState state,
            Optional<String> error,
            Optional<Instant> retryAt,
            Optional<PushKind> push,
            Optional<LimitsExceeded> limitsExceeded)
            implements Observation {
        public AccountStateObserved {
            Objects.requireNonNull(state);
            Objects.requireNonNull(error);
            Objects.requireNonNull(retryAt);
            Objects.requireNonNull(push);
            Objects.requireNonNull(limitsExceeded);
        }

        public AccountStateObserved(
                SyncState state, Optional<String> error, Optional<Instant> retryAt, Optional<PushKind> push) {
            this(state, error, retryAt, push, Optional.empty());
        }
    }
}
