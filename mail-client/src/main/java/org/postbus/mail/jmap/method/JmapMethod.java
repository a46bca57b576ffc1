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
     * {@code Mailbox/get} of the mailboxes that a {@code Mailbox/changes} of the same request reports as updated, with
     * the properties that it reports as changed only (RFC 8621 section 2.2).
     */
    record MailboxUpdatesGet(Ids ids, ResultReference properties) implements JmapMethod<GetResult<JmapMailboxUpdate>> {
        public MailboxUpdatesGet {
            Objects.requireNonNull(ids);
            Objects.requireNonNull(properties);
        }
    }

    /** {@code Mailbox/changes} (RFC 8621 section 2.2); its result includes {@code updatedProperties}. */
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

    /** {@code Email/get} of the properties that identify a message whose id has changed. */
    record EmailMarksGet(Ids ids) implements JmapMethod<GetResult<EmailMarks>> {
        public EmailMarksGet {
            Objects.requireNonNull(ids);
        }
    }

    /**
     * Properties that the server does not report are empty.
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
     * {@code Mailbox/set} of one mailbox (RFC 8621 section 2.5). The result is the reason for a refusal; empty if it
     * was executed.
     *
     * @param ifInState state of all mailboxes: if it has changed since, the server refuses with stateMismatch
     */
    record MailboxSet(MailboxChange change, Optional<String> ifInState) implements JmapMethod<Optional<SetError>> {
        public MailboxSet {
            Objects.requireNonNull(change);
            Objects.requireNonNull(ifInState);
        }
    }

    /**
     * Methods for sending an email (RFC 8621 sections 4.8, 6 and 7); sections 6 and 7 only for a server that offers
     * {@code urn:ietf:params:jmap:submission}.
     */
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

        /** {@code Email/get} of the properties that identify a message that this client has stored. */
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
         * @param onSuccess how the email is changed once the server has accepted it; the answer does not report
         *     whether that was done
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

        /**
         * {@code EmailSubmission/query} of all submissions of one email (RFC 8621 section 7.3). Not supported by
         * James.
         */
        record EmailSubmissionQuery(String emailId) implements Sending<QueryResult> {
            public EmailSubmissionQuery {
                Objects.requireNonNull(emailId);
            }
        }

        /** {@code EmailSubmission/get} (RFC 8621 section 7.1). Not supported by James. */
        record EmailSubmissionGet(Ids ids) implements Sending<GetResult<EmailSubmission>> {
            public EmailSubmissionGet {
                Objects.requireNonNull(ids);
            }
        }
    }

    /** @param email the address for From; {@code *} before the {@code @} stands for any name (RFC 8621 section 6) */
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

    /** The result of an {@link Sending.EmailImport}. */
    sealed interface Imported {
        /** @param existed the server already had this message and keeps one copy only, which stays in its mailboxes */
        record Done(String emailId, boolean existed) implements Imported {}

        record Refused(SetError error) implements Imported {}
    }

    /** The result of an {@link Sending.EmailSubmissionSet}. */
    sealed interface Submitted {
        /** The server has accepted the message. */
        record Done(String submissionId) implements Submitted {}

        /**
         * Nothing was sent.
         *
         * @param invalidRecipients the recipients that caused the refusal, if the server reports them
         */
        record Refused(SetError error, List<String> invalidRecipients) implements Submitted {
            public Refused {
                Objects.requireNonNull(error);
                invalidRecipients = List.copyOf(invalidRecipients);
            }
        }
    }

    /**
     * @param canceled it was withdrawn before it was sent
     * @param refused recipients that it could not be delivered to, with the SMTP reply (RFC 8621 section 7, {@code
     *     deliveryStatus})
     */
    record EmailSubmission(String id, boolean canceled, Map<String, String> refused) {
        public EmailSubmission {
            Objects.requireNonNull(id);
            refused = Map.copyOf(refused);
        }
    }

    /** A change of one mailbox; ids are the server's. */
    sealed interface MailboxChange {
        /** @param parentId empty for the top level */
        record Create(String name, Optional<String> parentId) implements MailboxChange {}

        /**
         * Empty properties are not changed.
         *
         * @param parentId an empty value within moves it to the top level
         */
        record Update(String id, Optional<String> name, Optional<Optional<String>> parentId) implements MailboxChange {}

        /** @param removeEmails otherwise it is refused if the mailbox contains emails */
        record Destroy(String id, boolean removeEmails) implements MailboxChange {}
    }

    /** Which objects a {@code /get} is about. */
    sealed interface Ids {
        /** All objects; only for types with few objects, such as Mailbox. */
        record All() implements Ids {}

        /** These objects; an empty list returns the state alone. */
        record These(List<String> ids) implements Ids {
            public These {
                ids = List.copyOf(ids);
            }
        }

        /** The ids that an earlier call of the same request found (RFC 8620 section 3.7). */
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
        /**
         * Counted from 0. New mail between two pages shifts the position: some emails then come twice, none is missed.
         */
        record Position(long position) implements QueryStart {}

        /** Right after this email; new mail does not shift it. Not supported by James. */
        record After(String emailId) implements QueryStart {
            public After {
                Objects.requireNonNull(emailId);
            }
        }
    }

    /** @param bytesMax the most that the server sends of one value, in bytes of UTF-8 */
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
     * Changes of one email, as JSON pointers (RFC 8620 section 5.3): {@code true} adds, {@code false} removes.
     * Everything else is unchanged.
     *
     * @param mailboxIds the server's ids; an email must not be removed from its last mailbox: destroy it instead
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
     * The result for each object. An id in none of the collections was left out by the server: read it again.
     *
     * @param oldState empty if the server does not report it
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
