package org.postbus.mail.jmap.method;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.Keyword;

/**
 * A method call and the type of its result (RFC 8620 section 3.2, RFC 8621). The codec writes and reads them.
 *
 * @param <R> the result, when the server answers with the method's own response and not with {@code error}
 */
public sealed interface JmapMethod<R> {

    /** The name on the wire, such as {@code Email/get}. */
    default String name() {
        return switch (this) {
            case MailboxGet get -> "Mailbox/get";
            case MailboxUpdatesGet get -> "Mailbox/get";
            case MailboxChanges changes -> "Mailbox/changes";
            case EmailQuery query -> "Email/query";
            case EmailGet get -> "Email/get";
            case EmailStateGet get -> "Email/get";
            case EmailMarksGet get -> "Email/get";
            case EmailChanges changes -> "Email/changes";
            case EmailSet set -> "Email/set";
            case MailboxSet set -> "Mailbox/set";
            case Sending.IdentityGet get -> "Identity/get";
            case Sending.MailboxQuery query -> "Email/query";
            case Sending.WrittenEmailGet get -> "Email/get";
            case Sending.EmailImport imported -> "Email/import";
            case Sending.EmailSubmissionSet set -> "EmailSubmission/set";
            case Sending.EmailSubmissionQuery query -> "EmailSubmission/query";
            case Sending.EmailSubmissionGet get -> "EmailSubmission/get";
        };
    }

    /** Whether the server may have changed something if the answer is lost. */
    default boolean changesSomething() {
        return switch (this) {
            case EmailSet set -> true;
            case MailboxSet set -> true;
            case Sending.EmailImport imported -> true;
            case Sending.EmailSubmissionSet set -> true;
            case MailboxGet get -> false;
            case MailboxUpdatesGet get -> false;
            case MailboxChanges changes -> false;
            case EmailQuery query -> false;
            case EmailGet get -> false;
            case EmailStateGet get -> false;
            case EmailMarksGet get -> false;
            case EmailChanges changes -> false;
            case Sending.IdentityGet get -> false;
            case Sending.MailboxQuery query -> false;
            case Sending.WrittenEmailGet get -> false;
            case Sending.EmailSubmissionQuery query -> false;
            case Sending.EmailSubmissionGet get -> false;
        };
    }

    /** {@code Mailbox/get} (RFC 8621 section 2.1). */
    record MailboxGet(Ids ids) implements JmapMethod<GetResult<JmapMailbox>> {
        public MailboxGet {
            Objects.requireNonNull(ids);
        }
    }

    /**
     * {@code Mailbox/get} of those that a {@code Mailbox/changes} of the same request found updated, and of no more than the
     * properties that it says have changed (RFC 8621 section 2.2).
     */
    record MailboxUpdatesGet(Ids ids, ResultReference properties) implements JmapMethod<GetResult<JmapMailboxUpdate>> {
        public MailboxUpdatesGet {
            Objects.requireNonNull(ids);
            Objects.requireNonNull(properties);
        }
    }

    /** {@code Mailbox/changes} (RFC 8621 section 2.2); its result tells {@code updatedProperties}. */
    record MailboxChanges(String sinceState, int maxChanges) implements JmapMethod<ChangesResult> {
        public MailboxChanges {
            Objects.requireNonNull(sinceState);
            requirePositive(maxChanges);
        }
    }

    /** {@code Email/query} without a filter, newest first, threads not collapsed (RFC 8621 section 4.4). */
    record EmailQuery(QueryStart start, int limit) implements JmapMethod<QueryResult> {
        public EmailQuery {
            Objects.requireNonNull(start);
            requirePositive(limit);
        }
    }

    /** {@code Email/get} of everything that Postbus keeps (RFC 8621 section 4.2). */
    record EmailGet(Ids ids, Optional<BodyValues> bodyValues) implements JmapMethod<GetResult<JmapEmail>> {
        public EmailGet {
            Objects.requireNonNull(ids);
            Objects.requireNonNull(bodyValues);
        }
    }

    /** {@code Email/get} of what can change: {@code mailboxIds} and {@code keywords}. */
    record EmailStateGet(Ids ids) implements JmapMethod<GetResult<JmapEmailState>> {
        public EmailStateGet {
            Objects.requireNonNull(ids);
        }
    }

    /** {@code Email/get} of that alone by which a message is known again under another id. */
    record EmailMarksGet(Ids ids) implements JmapMethod<GetResult<EmailMarks>> {
        public EmailMarksGet {
            Objects.requireNonNull(ids);
        }
    }

    /**
     * What the server does not tell is empty.
     *
     * @param messageId the first one
     * @param size in octets
     */
    record EmailMarks(
            String id, Optional<String> blobId, Optional<String> messageId, long size, Optional<Instant> receivedAt) {
        public EmailMarks {
            Objects.requireNonNull(id);
            Objects.requireNonNull(blobId);
            Objects.requireNonNull(messageId);
            Objects.requireNonNull(receivedAt);
        }
    }

    /** {@code Email/changes} (RFC 8621 section 4.3). */
    record EmailChanges(String sinceState, int maxChanges) implements JmapMethod<ChangesResult> {
        public EmailChanges {
            Objects.requireNonNull(sinceState);
            requirePositive(maxChanges);
        }
    }

    /**
     * {@code Email/set} with updates and destroys (RFC 8621 section 4.6). Never more than {@code maxObjectsInSet} together:
     * see {@code JmapSession.Limits}.
     *
     * @param ifInState leave it empty for patches of keywords and mailboxes: they are idempotent, and any other change to
     *     the account would make the server refuse the whole call
     */
    record EmailSet(Map<String, EmailPatch> update, List<String> destroy, Optional<String> ifInState)
            implements JmapMethod<SetResult> {
        public EmailSet {
            update = Map.copyOf(update);
            destroy = List.copyOf(destroy);
            Objects.requireNonNull(ifInState);
        }
    }

    /**
     * {@code Mailbox/set} of one mailbox (RFC 8621 section 2.5). The result is why it was refused; empty if it was done.
     *
     * @param ifInState of all mailboxes: if they are not as whoever wishes this saw them, it is refused with stateMismatch
     */
    record MailboxSet(MailboxChange change, Optional<String> ifInState) implements JmapMethod<Optional<SetError>> {
        public MailboxSet {
            Objects.requireNonNull(change);
            Objects.requireNonNull(ifInState);
        }
    }

    /** What it takes to send an email (RFC 8621 sections 4.8, 6 and 7); sections 6 and 7 only for a server that offers {@code urn:ietf:params:jmap:submission}. */
    sealed interface Sending<R> extends JmapMethod<R> {

        /** {@code Identity/get} of all there are (RFC 8621 section 6.1). */
        record IdentityGet() implements Sending<GetResult<Identity>> {}

        /** {@code Email/query} of one mailbox, newest first (RFC 8621 section 4.4). */
        record MailboxQuery(String mailboxId, int limit) implements Sending<QueryResult> {
            public MailboxQuery {
                Objects.requireNonNull(mailboxId);
                requirePositive(limit);
            }
        }

        /** {@code Email/get} of what a message that we put there is known again by. */
        record WrittenEmailGet(Ids ids) implements Sending<GetResult<WrittenEmail>> {
            public WrittenEmailGet {
                Objects.requireNonNull(ids);
            }
        }

        /**
         * {@code Email/import} of one uploaded message (RFC 8621 section 4.8).
         *
         * @param receivedAt has a default in the RFC, but not on James
         */
        record EmailImport(String blobId, Set<String> mailboxIds, Set<Keyword> keywords, Instant receivedAt)
                implements Sending<Imported> {
            public EmailImport {
                Objects.requireNonNull(blobId);
                mailboxIds = Set.copyOf(mailboxIds);
                keywords = Set.copyOf(keywords);
                Objects.requireNonNull(receivedAt);
            }
        }

        /**
         * {@code EmailSubmission/set} that sends one email (RFC 8621 section 7.5).
         *
         * @param onSuccess how the email is changed once the server has taken it: an answer does not tell whether that was done
         */
        record EmailSubmissionSet(
                String emailId, String identityId, String mailFrom, List<String> recipients, EmailPatch onSuccess)
                implements Sending<Submitted> {
            public EmailSubmissionSet {
                Objects.requireNonNull(emailId);
                Objects.requireNonNull(identityId);
                Objects.requireNonNull(mailFrom);
                recipients = List.copyOf(recipients);
                Objects.requireNonNull(onSuccess);
            }
        }

        /** {@code EmailSubmission/query} of all of one email (RFC 8621 section 7.3). James does not know it. */
        record EmailSubmissionQuery(String emailId) implements Sending<QueryResult> {
            public EmailSubmissionQuery {
                Objects.requireNonNull(emailId);
            }
        }

        /** {@code EmailSubmission/get} (RFC 8621 section 7.1). James does not know it. */
        record EmailSubmissionGet(Ids ids) implements Sending<GetResult<EmailSubmission>> {
            public EmailSubmissionGet {
                Objects.requireNonNull(ids);
            }
        }
    }

    /** @param email what may stand in From; {@code *} before the {@code @} is any name (RFC 8621 section 6) */
    record Identity(String id, String email) {
        public Identity {
            Objects.requireNonNull(id);
            Objects.requireNonNull(email);
        }
    }

    /** @param messageIds of its header, without {@code <>} */
    record WrittenEmail(String id, List<String> messageIds, Set<String> mailboxIds, Set<Keyword> keywords) {
        public WrittenEmail {
            Objects.requireNonNull(id);
            messageIds = List.copyOf(messageIds);
            mailboxIds = Set.copyOf(mailboxIds);
            keywords = Set.copyOf(keywords);
        }
    }

    /** What came of an {@link Sending.EmailImport}. */
    sealed interface Imported {
        /** @param existed the server had this very message, and keeps none twice: it lies where it lay */
        record Done(String emailId, boolean existed) implements Imported {}

        record Refused(SetError error) implements Imported {}
    }

    /** What came of an {@link Sending.EmailSubmissionSet}. */
    sealed interface Submitted {
        /** The server has taken the message. */
        record Done(String submissionId) implements Submitted {}

        /**
         * Nothing was sent.
         *
         * @param invalidRecipients those that it failed for, if the server tells
         */
        record Refused(SetError error, List<String> invalidRecipients) implements Submitted {
            public Refused {
                Objects.requireNonNull(error);
                invalidRecipients = List.copyOf(invalidRecipients);
            }
        }
    }

    /**
     * @param canceled it was called back, and not sent
     * @param refused recipients that it could not be delivered to, with the SMTP reply (RFC 8621 section 7, {@code deliveryStatus})
     */
    record EmailSubmission(String id, boolean canceled, Map<String, String> refused) {
        public EmailSubmission {
            Objects.requireNonNull(id);
            refused = Map.copyOf(refused);
        }
    }

    /** What is to become of a mailbox; ids are the server's. */
    sealed interface MailboxChange {
        /** @param parentId empty for the top level */
        record Create(String name, Optional<String> parentId) implements MailboxChange {}

        /**
         * What is empty stays as it is.
         *
         * @param parentId empty within for the top level
         */
        record Update(String id, Optional<String> name, Optional<Optional<String>> parentId) implements MailboxChange {}

        /** @param removeEmails otherwise it is refused if there are any */
        record Destroy(String id, boolean removeEmails) implements MailboxChange {}
    }

    /** Which objects a {@code /get} is about. */
    sealed interface Ids {
        /** All there are; only for types of which there are few, such as Mailbox. */
        record All() implements Ids {}

        /** These; an empty list asks for the state alone. */
        record These(List<String> ids) implements Ids {
            public These {
                ids = List.copyOf(ids);
            }
        }

        /** What an earlier call of the same request found (RFC 8620 section 3.7). */
        record ResultOf(ResultReference reference) implements Ids {
            public ResultOf {
                Objects.requireNonNull(reference);
            }
        }

        static Ids all() {
            return new All();
        }

        static Ids these(List<String> ids) {
            return new These(ids);
        }
    }

    /** Where a page of an {@code Email/query} begins. */
    sealed interface QueryStart {
        /** Counted from 0. New mail between two pages shifts it: some emails then come twice, none is missed. */
        record Position(long position) implements QueryStart {}

        /** Right after this email; new mail does not shift it. James does not know it. */
        record After(String emailId) implements QueryStart {
            public After {
                Objects.requireNonNull(emailId);
            }
        }
    }

    /** @param bytesMax how much of one value the server sends at most, in bytes of UTF-8 */
    record BodyValues(boolean text, boolean html, int bytesMax) {
        public BodyValues {
            requirePositive(bytesMax);
        }
    }

    /** Points at a part of an earlier call's result, such as {@code /ids} (RFC 8620 section 3.7). */
    record ResultReference(String resultOf, String name, String path) {
        public ResultReference {
            Objects.requireNonNull(resultOf);
            Objects.requireNonNull(name);
            Objects.requireNonNull(path);
        }
    }

    /**
     * Changes to one email, as JSON pointers (RFC 8620 section 5.3): {@code true} sets, {@code false} takes away.
     * What is not named stays as it is.
     *
     * @param mailboxIds by the server's id; never take an email out of its last mailbox: destroy it
     */
    record EmailPatch(Map<Keyword, Boolean> keywords, Map<String, Boolean> mailboxIds) {
        public EmailPatch {
            keywords = Map.copyOf(keywords);
            mailboxIds = Map.copyOf(mailboxIds);
        }
    }

    /** @param notFound ids that the server does not have (any more) */
    record GetResult<T>(String state, List<T> list, List<String> notFound) {
        public GetResult {
            Objects.requireNonNull(state);
            list = List.copyOf(list);
            notFound = List.copyOf(notFound);
        }
    }

    /**
     * The lists may overlap: destroyed wins over created and updated. An id in created may be unknown to a {@code /get}
     * that follows: it was destroyed meanwhile.
     *
     * @param hasMoreChanges ask again from {@code newState}; if that equals {@code oldState} the server is stuck
     * @param updatedProperties {@code Mailbox/changes}: if given, only these (the counts) of the updated ones changed
     */
    record ChangesResult(
            String oldState,
            String newState,
            boolean hasMoreChanges,
            List<String> created,
            List<String> updated,
            List<String> destroyed,
            Optional<List<String>> updatedProperties) {
        public ChangesResult {
            Objects.requireNonNull(oldState);
            Objects.requireNonNull(newState);
            created = List.copyOf(created);
            updated = List.copyOf(updated);
            destroyed = List.copyOf(destroyed);
            updatedProperties = updatedProperties.map(List::copyOf);
        }
    }

    /** @param position of the first id in the whole list, from 0 */
    record QueryResult(String queryState, boolean canCalculateChanges, long position, List<String> ids) {
        public QueryResult {
            Objects.requireNonNull(queryState);
            ids = List.copyOf(ids);
        }
    }

    /**
     * What became of each object. An id that is in none of the collections was left out by the server: read it again.
     *
     * @param oldState empty if the server does not say
     */
    record SetResult(
            Optional<String> oldState,
            Optional<String> newState,
            List<String> updated,
            List<String> destroyed,
            Map<String, SetError> notUpdated,
            Map<String, SetError> notDestroyed) {
        public SetResult {
            Objects.requireNonNull(oldState);
            Objects.requireNonNull(newState);
            updated = List.copyOf(updated);
            destroyed = List.copyOf(destroyed);
            notUpdated = Map.copyOf(notUpdated);
            notDestroyed = Map.copyOf(notDestroyed);
        }
    }

    private static void requirePositive(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("must be at least 1: " + value);
        }
    }
}
