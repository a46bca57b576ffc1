package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.postbus.mail.imap.grammar.AppendedUid;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.ListedMailbox;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Resynced;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapCommand.SearchKey;
import org.postbus.mail.imap.session.AccountChange;
import org.postbus.mail.imap.session.ImapAnswer;
import org.postbus.mail.imap.session.ImapSession;
import org.postbus.mail.imap.session.ImapSessionState;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.mail.memory.HeldBytes;
import org.postbus.observation.UidRange;

/**
 * One logged-in connection to an IMAP server. Commands run one at a time, in the order of subscription; any thread may
 * subscribe. Results arrive on the connection's event loop, which must not be blocked.
 *
 * <p>Every {@code Uni} and {@code Multi} is cold: subscribing sends. For what a server does they fail with {@link
 * ServerException} only. A broken connection fails all commands; those that were sent and change something fail with
 * {@code OutcomeUnknown}. Cancelling a command that was sent does not stop the server: its answer is read and dropped,
 * then the next command runs.
 *
 * <p>Some methods send several commands; commands of other callers may come in between. Commands on messages need a
 * selected mailbox; without one they fail with {@link IllegalStateException}. An argument with CR, LF or NUL in it
 * fails with {@link IllegalArgumentException}.
 */
public final class ImapConnection {
    public static final int CHANGES_MAX = ImapSession.CHANGES_MAX;

    private static final Duration LOGOUT_MAX = Duration.ofSeconds(10);

    private final ImapWire wire;
    private final ImapSession session;
    private final MailboxLists lists;
    private final Fetches fetches;
    private final Searches searches;
    private final PersonalNotifications notifications;
    private final Selection selection;
    private final MessageMutations mutations;

    /** Takes over a wire; the connection can be used when {@link #greeted} has completed. */
    ImapConnection(ImapWire wire) {
        this.wire = wire;
        this.session = wire.session();
        this.lists = new MailboxLists(wire);
        this.fetches = new Fetches(wire);
        this.searches = new Searches(wire);
        this.notifications = new PersonalNotifications(wire);
        this.selection = new Selection(wire);
        this.mutations = new MessageMutations(wire);
    }

    // ---- the server and its state
    // --------------------------------------------------------------------------------------------------

    /** As last reported by the server, normally after the login. */
    public Capabilities capabilities() {
        return session.server().capabilities();
    }

    /**
     * Whether mod-sequences may be asked for (RFC 7162): CONDSTORE is offered or was enabled. A mailbox may still have none,
     * then {@link SelectedMailbox#highestModSeq} is empty.
     */
    public boolean condstoreEnabled() {
        return session.server().condstoreEnabled();
    }

    /**
     * Whether {@link #resync} is available (RFC 7162): the server has enabled QRESYNC. It is never enabled on iCloud,
     * whose VANISHED names messages that exist.
     */
    public boolean qresyncEnabled() {
        return session.server().qresyncEnabled();
    }

    /**
     * The name on this server of a mailbox that is shown as {@code displayName}: in modified UTF-7, or in UTF-8 where
     * the server supports nothing else (RFC 6855 section 3).
     */
    public MailboxName nameOf(String displayName) {
        return session.server().enabled().contains("UTF8=ACCEPT")
                ? new MailboxName(new String(displayName.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))
                : MailboxName.ofDisplayName(displayName);
    }

    /** The ID of the server (RFC 2971), names in lower case: {@code name}, {@code version}. Empty without ID. */
    public Map<String, String> serverId() {
        return session.server().id();
    }

    /** The mailbox that is selected now. */
    public Optional<MailboxName> selectedName() {
        return session.state() instanceof ImapSessionState.Selected(var name, var readOnly)
                ? Optional.of(name)
                : Optional.empty();
    }

    /** How many lines the server sent that are no response: they were passed over. */
    public long strayLines() {
        return session.strayLines();
    }

    /** How many messages the selected mailbox holds by what was reported so far, less what was expunged; -1 if that is not known. */
    public long messages() {
        return session.messages();
    }

    /**
     * What the server reported unasked since the last call, in any command. Empty after {@link #select}. At most
     * {@value #CHANGES_MAX} are kept.
     */
    public List<MailboxChange> takeChanges() {
        return session.changes().take();
    }

    /** What the server reported about other mailboxes since the last call, while {@link #notifying}. */
    public List<AccountChange> takeAccountChanges() {
        return session.accountChanges().take();
    }

    /**
     * Counts what the caller keeps of what this server sent, such as messages that wait to be handled. Counted until it is
     * closed, or until the connection ends.
     */
    public HeldBytes.Share keeping() {
        return wire.holder().share();
    }

    /** The memory that this process has for what all servers send, in bytes. */
    public long memoryMax() {
        return wire.memoryMax();
    }

    /** The memory for what servers send is short: nothing should be read before it is needed. */
    public boolean isMemoryTight() {
        return wire.isMemoryTight();
    }

    // ---- mailboxes
    // ------------------------------------------------------------------------------------------------------

    /** Empty where the server has no NAMESPACE. */
    public Uni<Optional<Namespaces>> namespace() {
        return Uni.createFrom()
                .deferred(() -> capabilities().hasOrRev2("NAMESPACE")
                        ? wire.run(new ImapCommand.Namespace()).map(ImapAnswer::namespaces)
                        : Uni.createFrom().item(Optional.empty()));
    }

    /**
     * All mailboxes with their STATUS: one command where the server has LIST-STATUS, else LIST and a STATUS for each. Each
     * name once.
     */
    public Uni<List<ListedMailbox>> list() {
        return list(name -> true);
    }

    /**
     * The same, with {@code wanted} choosing the mailboxes whose STATUS is asked for where each STATUS is a command of
     * its own.
     */
    public Uni<List<ListedMailbox>> list(Predicate<MailboxName> wanted) {
        return lists.list(wanted);
    }

    /**
     * Adds the STATUS of wanted mailboxes that have none yet. Where the server refuses it, the mailbox stays without.
     */
    public Uni<List<ListedMailbox>> withStatus(List<ListedMailbox> mailboxes, Predicate<MailboxName> wanted) {
        return lists.withStatus(mailboxes, wanted);
    }

    /** STATUS of one mailbox; not of the one that is selected (RFC 9051 section 6.3.11). */
    public Uni<MailboxStatus> status(MailboxName name) {
        return lists.status(name);
    }

    /** SELECT or, {@code readOnly}, EXAMINE. If it fails no mailbox is selected. {@code Rejected} if there is none of that name. */
    public Uni<SelectedMailbox> select(MailboxName name, boolean readOnly) {
        return selection.select(name, readOnly);
    }

    /**
     * SELECT or EXAMINE with the changes since an earlier sync (RFC 7162 section 3.2.5). The last item is {@link
     * Resynced.Selected}. The items before it may be as many as there are messages, are read at the speed of the
     * subscriber, and do not appear in {@link #takeChanges}. A server that refuses QRESYNC is asked without it, and
     * the result is not {@link Resynced.Selected#complete}.
     *
     * @throws IllegalStateException (as a failure) unless {@link #qresyncEnabled}
     */
    public Multi<Resynced> resync(MailboxName name, boolean readOnly, Resync since) {
        return selection.resync(name, readOnly, since);
    }

    /** Leaves the mailbox without expunging anything: UNSELECT, or an EXAMINE of a name that is not there. Never CLOSE. */
    public Uni<Void> unselect() {
        return selection.unselect();
    }

    /** CREATE. {@code Rejected} if there is one of that name. */
    public Uni<Void> create(MailboxName name) {
        return wire.run(new ImapCommand.Create(name)).replaceWithVoid();
    }

    /** RENAME, including the mailboxes below it. */
    public Uni<Void> rename(MailboxName from, MailboxName to) {
        return wire.run(new ImapCommand.Rename(from, to)).replaceWithVoid();
    }

    /** DELETE, with all messages in it. */
    public Uni<Void> delete(MailboxName name) {
        return wire.run(new ImapCommand.Delete(name)).replaceWithVoid();
    }

    /** SUBSCRIBE: other clients of this user show the mailbox. */
    public Uni<Void> subscribe(MailboxName name) {
        return wire.run(new ImapCommand.Subscribe(name)).replaceWithVoid();
    }

    // ---- messages
    // -------------------------------------------------------------------------------------------------------

    /**
     * UID FETCH. The socket is read at the speed of the subscriber. Messages come in the server's order; expunged ones
     * are missing. Cancelling lets the server finish and drops the rest.
     *
     * @param uids up to 4294967295 for "to the end"; long sets are sent in several commands
     */
    public Multi<FetchedMessage> uidFetch(List<UidRange> uids, FetchItems items) {
        return fetches.messages(UidSet.of(uids), items);
    }

    /**
     * Part of the content of one message, in chunks of about 64 KiB, read from the socket at the speed of the
     * subscriber: one chunk is held at a time, however long the content is. Fails with {@code Rejected} {@code
     * NONEXISTENT} if the message or the part does not exist (any more); if it fails after some chunks, these must be
     * discarded.
     *
     * <p>{@link Section#decoded} needs the capability BINARY.
     */
    public Multi<Buffer> uidFetchSection(long uid, Section section) {
        return uidFetchChunks(uid, section).map(SectionChunk::octets);
    }

    /** The same; each chunk states the total size, so that a caller can send a length before the first octet. */
    public Multi<SectionChunk> uidFetchChunks(long uid, Section section) {
        return fetches.section(uid, section);
    }

    /** All UIDs of the selected mailbox, ascending, as ranges. */
    public Uni<List<UidRange>> uidSearchAll() {
        return searches.all().map(UidSet::ranges);
    }

    /** Those of the UIDs that exist in the selected mailbox, by UID SEARCH; a long set takes several commands. */
    public Uni<List<UidRange>> uidSearch(List<UidRange> uids) {
        return searches.existing(UidSet.of(uids)).map(UidSet::ranges);
    }

    /** UIDs of the messages with that Message-ID, ascending: finds a message after {@code OutcomeUnknown}. */
    public Uni<List<UidRange>> uidSearchMessageId(String messageId) {
        return searches.found(new SearchKey.MessageId(messageId)).map(UidSet::ranges);
    }

    /** Messages of the selected mailbox of exactly that many octets (RFC822.SIZE). */
    public Uni<List<UidRange>> uidSearchSize(long octets) {
        return searches.found(new SearchKey.Size(octets)).map(UidSet::ranges);
    }

    /**
     * UID STORE +FLAGS.SILENT or -FLAGS.SILENT. UIDs that do not exist are ignored.
     *
     * @param unchangedSince messages changed after this mod-sequence are left unchanged (needs CONDSTORE)
     */
    public Uni<StoreResult> uidStore(
            List<UidRange> uids, StoreMode mode, Set<ImapFlag> flags, OptionalLong unchangedSince) {
        return mutations.store(UidSet.of(uids), mode, flags, unchangedSince);
    }

    /** Adds labels of Gmail to messages or removes them; needs X-GM-EXT-1. Idempotent. */
    public Uni<Void> uidStoreLabels(List<UidRange> uids, StoreMode mode, Set<GmailLabel> labels) {
        return mutations.storeLabels(UidSet.of(uids), mode, labels);
    }

    /** UID MOVE; needs the capability MOVE (RFC 6851). Empty if the server does not report the new UIDs. */
    public Uni<List<CopiedUids>> uidMove(List<UidRange> uids, MailboxName target) {
        return mutations.move(UidSet.of(uids), target);
    }

    /** UID COPY. Empty if the server does not report the UIDs of the copies (no UIDPLUS). */
    public Uni<List<CopiedUids>> uidCopy(List<UidRange> uids, MailboxName target) {
        return mutations.copy(UidSet.of(uids), target);
    }

    /** Expunges those of the messages that have {@code \Deleted}; needs UIDPLUS. A plain EXPUNGE is not offered. */
    public Uni<Void> uidExpunge(List<UidRange> uids) {
        return mutations.expunge(UidSet.of(uids));
    }

    /**
     * APPEND of one message, octet by octet.
     *
     * @param internalDate the server's clock if empty
     */
    public Uni<Optional<AppendedUid>> append(
            MailboxName target, Collection<ImapFlag> flags, Optional<Instant> internalDate, byte[] message) {
        return wire.run(new ImapCommand.Append(target, new TreeSet<>(flags), internalDate, message))
                .map(ImapAnswer::appended);
    }

    /**
     * Compresses everything from now on (COMPRESS=DEFLATE, RFC 4978). It costs 300 KB and cannot be undone: for
     * connections with bulk transfer, not for those that are mostly idle. A server that refuses is used uncompressed.
     */
    public Uni<Void> compress() {
        return wire.compress()
                .onFailure(Refusals::isRejected)
                .recoverWithUni(Uni.createFrom().voidItem())
                .onFailure()
                .invoke(this::close)
                .onCancellation()
                .invoke(this::close);
    }

    /** NOOP: gives the server a chance to report changes. */
    public Uni<Void> noop() {
        return wire.run(new ImapCommand.Noop()).replaceWithVoid();
    }

    // ---- waiting for changes
    // ------------------------------------------------------------------------------------------------

    /**
     * Asks the server to report changes of all personal mailboxes with NOTIFY (RFC 5465), with fewer events where it
     * refuses some: of messages, and of the mailboxes themselves only where the server is certainly not Dovecot, whose
     * LIST becomes wrong by that. From then on {@link #watch} needs no IDLE, and {@link #takeAccountChanges} names the mailboxes.
     * Ends with {@link #notifyNone}, or when the server gives up ({@link AccountChange.TooMany}).
     *
     * @return false where the server has no NOTIFY or refuses it
     */
    public Uni<Boolean> notifyPersonal() {
        return notifications.start();
    }

    /** Ends {@link #notifyPersonal}. */
    public Uni<Void> notifyNone() {
        return wire.run(new ImapCommand.NotifyNone()).replaceWithVoid();
    }

    /** Whether {@link #notifyPersonal} is in force. */
    public boolean notifying() {
        return session.notifying();
    }

    /**
     * Waits until the server reports something or the time is up: with IDLE; or, while {@link #notifying} or where
     * there is no IDLE, without a command and then NOOP, which detects a dead connection. RFC 2177 requires less than
     * 29 minutes, networks often less than 10. Cancelling ends it on the server too. It does not wait if there are
     * changes that were not taken yet. Other commands wait until it ends.
     */
    public Uni<WatchOutcome> watch(Duration atMost) {
        return Uni.createFrom().deferred(() -> {
            if (session.hasChanges()) {
                return Uni.createFrom().item(WatchOutcome.CHANGED);
            }
            return session.notifying() || !capabilities().hasOrRev2("IDLE") ? wire.listen(atMost) : wire.idle(atMost);
        });
    }

    // ---- the end
    // --------------------------------------------------------------------------------------------------------

    /** LOGOUT, then closes. Never fails. */
    public Uni<Void> logout() {
        return wire.run(new ImapCommand.Logout())
                .replaceWithVoid()
                .ifNoItem()
                .after(LOGOUT_MAX)
                .fail()
                .onFailure()
                .recoverWithUni(Uni.createFrom().voidItem())
                .onTermination()
                .invoke(this::close);
    }

    /** Completes when the connection has ended, for any reason. */
    public Uni<Void> closed() {
        return wire.closed();
    }

    /** Closes at once; commands in progress fail. */
    public void close() {
        wire.close();
    }

    /** For {@link ImapClient}, which logs in on it. */
    ImapWire wire() {
        return wire;
    }
}
