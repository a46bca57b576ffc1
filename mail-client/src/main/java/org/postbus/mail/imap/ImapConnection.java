package org.postbus.mail.imap;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.event.UidRange;

/**
 * One logged-in connection to an IMAP server. Commands run one at a time, in the order in which they were subscribed to;
 * from any thread. Results arrive on the connection's event loop, where nothing may block.
 *
 * <p>Every {@code Uni} and {@code Multi} is cold: subscribing sends. They fail with {@link org.postbus.mail.ServerException}
 * only, whatever breaks the connection fails all commands, and those that were sent and
 * change something with {@code OutcomeUnknown}. Cancelling a command that was sent does not stop the server: its answer is
 * read and dropped, then the next command runs.
 *
 * <p>Commands on messages need a selected mailbox; without one they throw {@link IllegalStateException}.
 */
public final class ImapConnection {
    private ImapConnection() {}

    /** As of the last time the server told them, normally after the login. */
    public Capabilities capabilities() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Whether mod-sequences are there: ENABLE CONDSTORE or QRESYNC was accepted (RFC 7162). */
    public boolean condstoreEnabled() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Empty where the server has no NAMESPACE. */
    public Uni<Optional<Namespaces>> namespace() {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * All mailboxes with their STATUS: one command where the server has LIST-STATUS, else LIST and a STATUS for each. Each
     * name once.
     */
    public Uni<List<ListedMailbox>> list() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** STATUS of one mailbox; not of the one that is selected (RFC 9051 section 6.3.11). */
    public Uni<MailboxStatus> status(MailboxName name) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** SELECT or, {@code readOnly}, EXAMINE. If it fails no mailbox is selected. {@code Rejected} if there is none of that name. */
    public Uni<SelectedMailbox> select(MailboxName name, boolean readOnly) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Leaves the mailbox without expunging anything: UNSELECT, or an EXAMINE of a name that is not there. Never CLOSE. */
    public Uni<Void> unselect() {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * UID FETCH. The socket is read only as fast as the subscriber requests. Messages come in the server's order; those that
     * have gone are missing. Cancelling lets the server finish and drops the rest.
     *
     * @param uids up to 4294967295 for "to the end"; long sets are sent in several commands
     */
    public Multi<FetchedMessage> uidFetch(List<UidRange> uids, FetchItems items) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** All UIDs of the selected mailbox, ascending, as ranges. */
    public Uni<List<UidRange>> uidSearchAll() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** UIDs of the messages with that Message-ID, ascending: how a message is found again after {@code OutcomeUnknown}. */
    public Uni<List<UidRange>> uidSearchMessageId(String messageId) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * UID STORE +FLAGS.SILENT or -FLAGS.SILENT. UIDs that are not there are passed over.
     *
     * @param unchangedSince leave messages alone that were changed after this mod-sequence (needs CONDSTORE)
     */
    public Uni<StoreResult> uidStore(
            List<UidRange> uids, StoreMode mode, Set<ImapFlag> flags, OptionalLong unchangedSince) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** UID MOVE; needs the capability MOVE (RFC 6851). Empty if the server does not say where the messages went. */
    public Uni<List<CopiedUids>> uidMove(List<UidRange> uids, MailboxName target) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** UID COPY. Empty if the server does not say where the copies are (no UIDPLUS). */
    public Uni<List<CopiedUids>> uidCopy(List<UidRange> uids, MailboxName target) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Destroys those of the messages that have {@code \Deleted}; needs UIDPLUS. A plain EXPUNGE is not offered. */
    public Uni<Void> uidExpunge(List<UidRange> uids) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * APPEND of one message, octet by octet.
     *
     * @param internalDate the server's clock if empty
     */
    public Uni<Optional<AppendedUid>> append(
            MailboxName target, Collection<ImapFlag> flags, Optional<Instant> internalDate, byte[] message) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** NOOP: gives the server a chance to report changes. */
    public Uni<Void> noop() {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * IDLE until something happens or the time is up; RFC 2177 wants less than 29 minutes, networks less than 10. Cancelling
     * ends it on the server too. What happened before it began counts as well: it then does not idle at all.
     */
    public Uni<IdleOutcome> idle(Duration atMost) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * What the server said unasked since the last call, in any command. Empty after {@link #select}. Held are at most {@value
     * #CHANGES_MAX}.
     */
    public List<MailboxChange> takeChanges() {
        throw new UnsupportedOperationException("not built yet");
    }

    public static final int CHANGES_MAX = 10_000;

    /** LOGOUT, then closes. Never fails. */
    public Uni<Void> logout() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Completes when the connection has ended, whoever ended it. */
    public Uni<Void> closed() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Closes at once; commands in progress fail. */
    public void close() {
        throw new UnsupportedOperationException("not built yet");
    }
}
