package org.postbus.mail.imap.connection;

import io.netty.buffer.Unpooled;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.postbus.account.Secret;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
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
import org.postbus.mail.imap.grammar.command.ImapCommand.SearchKey;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.sasl.SaslConversation;
import org.postbus.mail.imap.session.AccountChange;
import org.postbus.mail.imap.session.ImapAnswer;
import org.postbus.mail.imap.session.ImapSession;
import org.postbus.mail.imap.session.ImapSessionState;
import org.postbus.mail.imap.session.MailboxChange;
import org.postbus.observation.UidRange;

/**
 * One logged-in connection to an IMAP server. Commands run one at a time, in the order in which they were subscribed to;
 * from any thread. Results arrive on the connection's event loop, where nothing may block.
 *
 * <p>Every {@code Uni} and {@code Multi} is cold: subscribing sends. For what a server does they fail with {@link
 * ServerException} only; whatever breaks the connection fails all commands, and those that were sent and change something
 * with {@code OutcomeUnknown}. Cancelling a command that was sent does not stop the server: its answer is read and dropped,
 * then the next command runs.
 *
 * <p>Some methods send several commands; those of another caller may come in between. Commands on messages need a selected
 * mailbox; without one they fail with {@link IllegalStateException}. An argument with CR, LF or NUL in it fails with {@link
 * IllegalArgumentException}.
 */
public final class ImapConnection {
    public static final int CHANGES_MAX = ImapSession.CHANGES_MAX;

    /** Beyond so many messages UIDs are asked for in portions, so that each answer fits in a line of 1 MiB. */
    private static final long SEARCH_MESSAGES_MAX = 45_000;

    private static final Duration LOGOUT_MAX = Duration.ofSeconds(10);
    private static final List<String> STATUS_ITEMS = List.of("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN");

    /** From the most telling to what RFC 5465 section 3 makes every server know. FlagChange needs the two before it. */
    private static final List<List<String>> NOTIFY_EVENTS = List.of(
            List.of("MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"),
            List.of("MessageNew", "MessageExpunge", "FlagChange"),
            List.of("MessageNew", "MessageExpunge"));

    private final ImapWire wire;
    private final ImapSession session;
    private volatile Map<String, String> serverId = Map.of();

    /** Takes over a wire; the connection can be used when {@link #greeted} has completed. */
    ImapConnection(ImapWire wire) {
        this.wire = wire;
        this.session = wire.session();
    }

    // ---- what there is
    // --------------------------------------------------------------------------------------------------

    /** As of the last time the server told them, normally after the login. */
    public Capabilities capabilities() {
        return session.capabilities();
    }

    /**
     * Whether mod-sequences may be asked for (RFC 7162): CONDSTORE is offered or was enabled. A mailbox may still have none,
     * then {@link SelectedMailbox#highestModSeq} is empty.
     */
    public boolean condstoreEnabled() {
        return session.capabilities().has("CONDSTORE")
                || session.enabled().contains("CONDSTORE")
                || session.enabled().contains("QRESYNC");
    }

    /**
     * Whether {@link #resync} may be asked for (RFC 7162): the server has enabled QRESYNC. Not on iCloud, whose VANISHED
     * names messages that are there: it is never asked to.
     */
    public boolean qresyncEnabled() {
        return session.enabled().contains("QRESYNC");
    }

    /**
     * The name that this server gives to a mailbox that people call {@code displayName}: in modified UTF-7, or, where the
     * server knows nothing but UTF-8, in that (RFC 6855 section 3).
     */
    public MailboxName nameOf(String displayName) {
        return session.enabled().contains("UTF8=ACCEPT")
                ? new MailboxName(new String(displayName.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))
                : MailboxName.ofDisplayName(displayName);
    }

    /** What the server says of itself (RFC 2971), names in lower case: {@code name}, {@code version}. Empty without ID. */
    public Map<String, String> serverId() {
        return serverId;
    }

    /** The mailbox that is selected now. */
    public Optional<MailboxName> selectedName() {
        return session.state() instanceof ImapSessionState.Selected(var name, var readOnly)
                ? Optional.of(name)
                : Optional.empty();
    }

    /**
     * What the server said unasked since the last call, in any command. Empty after {@link #select}. Held are at most {@value
     * #CHANGES_MAX}.
     */
    public List<MailboxChange> takeChanges() {
        return session.changes().take();
    }

    /** What the server said of other mailboxes since the last call, while {@link #notifying}. */
    public List<AccountChange> takeAccountChanges() {
        return session.accountChanges().take();
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

    /** The same; where each STATUS is a command of its own, only of the mailboxes that are wanted. */
    public Uni<List<ListedMailbox>> list(Predicate<MailboxName> wanted) {
        return Uni.createFrom().deferred(() -> listWith(listAttempts()).chain(listed -> withStatus(listed, wanted)));
    }

    /** Adds the STATUS of those that are without and wanted. One that the server refuses stays without. */
    public Uni<List<ListedMailbox>> withStatus(List<ListedMailbox> mailboxes, Predicate<MailboxName> wanted) {
        return Multi.createFrom()
                .iterable(mailboxes)
                .onItem()
                .transformToUniAndConcatenate(one ->
                        one.selectable() && one.status().isEmpty() && wanted.test(one.name())
                                ? status(one.name())
                                        .map(Optional::of)
                                        .onFailure(ImapConnection::isRejected)
                                        .recoverWithItem(Optional.empty())
                                        .map(status -> new ListedMailbox(
                                                one.name(),
                                                one.delimiter(),
                                                one.attributes(),
                                                one.role(),
                                                one.selectable(),
                                                one.subscribed(),
                                                status))
                                : Uni.createFrom().item(one))
                .collect()
                .asList();
    }

    /** From the most telling LIST to the plain one: servers refuse clauses that they offer. */
    private Deque<ImapCommand.ListAll> listAttempts() {
        Capabilities offered = capabilities();
        Set<ImapCommand.ListAll> attempts = new LinkedHashSet<>();
        if (offered.hasOrRev2("LIST-EXTENDED")) {
            boolean specialUse = offered.hasOrRev2("SPECIAL-USE");
            if (offered.hasOrRev2("LIST-STATUS")) {
                attempts.add(new ImapCommand.ListAll(true, specialUse, statusItems()));
                attempts.add(new ImapCommand.ListAll(true, specialUse, STATUS_ITEMS));
            }
            attempts.add(new ImapCommand.ListAll(true, specialUse, List.of()));
            attempts.add(new ImapCommand.ListAll(true, false, List.of()));
        }
        attempts.add(new ImapCommand.ListAll(false, false, List.of()));
        return new ArrayDeque<>(attempts);
    }

    private List<String> statusItems() {
        List<String> items = new ArrayList<>(STATUS_ITEMS);
        if (condstoreEnabled()) {
            items.add("HIGHESTMODSEQ");
        }
        if (capabilities().has("OBJECTID") && !isCyrus()) {
            items.add("MAILBOXID");
        }
        return List.copyOf(items);
    }

    /**
     * Cyrus 3.6.1 answers STATUS with a MAILBOXID that is whatever lies in its memory, line ends too. SELECT tells the right one,
     * but that is not what mailboxes are known by.
     */
    private boolean isCyrus() {
        return serverId.getOrDefault("name", "").startsWith("Cyrus");
    }

    private Uni<List<ListedMailbox>> listWith(Deque<ImapCommand.ListAll> attempts) {
        ImapCommand.ListAll attempt = attempts.removeFirst();
        Uni<List<ListedMailbox>> listed = wire.run(attempt).map(ImapAnswer::mailboxes);
        if (attempts.isEmpty()) {
            return listed.chain(this::withSubscribed);
        }
        return listed.onFailure(ImapConnection::isRejected).recoverWithUni(() -> listWith(attempts));
    }

    private Uni<List<ListedMailbox>> withSubscribed(List<ListedMailbox> mailboxes) {
        return wire.run(new ImapCommand.ListSubscribed())
                .map(ImapAnswer::subscribed)
                .onFailure(ImapConnection::isRejected)
                .recoverWithItem(Set.of())
                .map(subscribed -> mailboxes.stream()
                        .map(one -> new ListedMailbox(
                                one.name(),
                                one.delimiter(),
                                one.attributes(),
                                one.role(),
                                one.selectable(),
                                one.subscribed() || subscribed.contains(one.name()),
                                one.status()))
                        .toList());
    }

    /** STATUS of one mailbox; not of the one that is selected (RFC 9051 section 6.3.11). */
    public Uni<MailboxStatus> status(MailboxName name) {
        return Uni.createFrom().deferred(() -> {
            List<String> items = statusItems();
            Uni<MailboxStatus> told = statusOf(name, items);
            return items.equals(STATUS_ITEMS)
                    ? told
                    : told.onFailure(ImapConnection::isBad).recoverWithUni(() -> statusOf(name, STATUS_ITEMS));
        });
    }

    private Uni<MailboxStatus> statusOf(MailboxName name, List<String> items) {
        return wire.run(new ImapCommand.Status(name, items))
                .map(answer -> answer.status(name)
                        .orElseThrow(() -> new ServerException(
                                new ServerFailure.Rejected("NO", "the server answered STATUS without a status"))));
    }

    /** SELECT or, {@code readOnly}, EXAMINE. If it fails no mailbox is selected. {@code Rejected} if there is none of that name. */
    public Uni<SelectedMailbox> select(MailboxName name, boolean readOnly) {
        return Uni.createFrom().deferred(() -> {
            boolean condstore = condstoreEnabled();
            Uni<SelectedMailbox> selected = selectWith(new ImapCommand.Select(name, readOnly, condstore));
            return condstore
                    ? selected.onFailure(ImapConnection::isBad)
                            .recoverWithUni(() -> selectWith(new ImapCommand.Select(name, readOnly, false)))
                    : selected;
        });
    }

    /**
     * SELECT or EXAMINE with what changed since an earlier look (RFC 7162 section 3.2.5). The last item is {@link
     * Resynced.Selected}; what comes before may be as many as there are messages and is read only as fast as the subscriber
     * requests. It comes here and not to {@link #takeChanges}. A server that refuses QRESYNC here is asked without it, and the
     * result is not {@link Resynced.Selected#complete}.
     *
     * @throws IllegalStateException (as a failure) unless {@link #qresyncEnabled}
     */
    public Multi<Resynced> resync(MailboxName name, boolean readOnly, Resync since) {
        return Multi.createFrom().deferred(() -> {
            if (!qresyncEnabled()) {
                return Multi.createFrom().failure(new IllegalStateException("QRESYNC is not enabled"));
            }
            return wire.stream(new ImapCommand.Resync(name, readOnly, since))
                    .onFailure(ImapConnection::isBad)
                    .recoverWithMulti(() -> select(name, readOnly)
                            .onItem()
                            .transformToMulti(
                                    selected -> Multi.createFrom().item(new Resynced.Selected(selected, false))));
        });
    }

    private Uni<SelectedMailbox> selectWith(ImapCommand.Select command) {
        return wire.run(command).map(answer -> answer.selected(command));
    }

    /** Leaves the mailbox without expunging anything: UNSELECT, or an EXAMINE of a name that is not there. Never CLOSE. */
    public Uni<Void> unselect() {
        return Uni.createFrom().deferred(() -> {
            if (capabilities().hasOrRev2("UNSELECT")) {
                return wire.run(new ImapCommand.Unselect()).replaceWithVoid();
            }
            MailboxName nowhere = new MailboxName("postbus-no-such-mailbox-" + Long.toHexString(System.nanoTime()));
            return wire.run(new ImapCommand.Select(nowhere, true, false))
                    .replaceWithVoid()
                    .onFailure(ImapConnection::isRejected)
                    .recoverWithUni(Uni.createFrom().voidItem());
        });
    }

    /** CREATE. {@code Rejected} if there is one of that name. */
    public Uni<Void> create(MailboxName name) {
        return wire.run(new ImapCommand.Create(name)).replaceWithVoid();
    }

    /** RENAME, which takes the mailboxes below along. */
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
     * UID FETCH. The socket is read only as fast as the subscriber requests. Messages come in the server's order; those that
     * have gone are missing. Cancelling lets the server finish and drops the rest.
     *
     * @param uids up to 4294967295 for "to the end"; long sets are sent in several commands
     */
    public Multi<FetchedMessage> uidFetch(List<UidRange> uids, FetchItems items) {
        List<UidSet> sets = UidSet.of(uids).split();
        if (sets.size() == 1) {
            return fetch(sets.getFirst(), items);
        }
        return Multi.createFrom().iterable(sets).onItem().transformToMultiAndConcatenate(set -> fetch(set, items));
    }

    /** A server with a message limit does as many as it likes, from the end, and says how far it came (RFC 9738). */
    private Multi<FetchedMessage> fetch(UidSet uids, FetchItems items) {
        AtomicLong lowest = new AtomicLong();
        Multi<FetchedMessage> first = wire.stream(
                new ImapCommand.UidFetch(uids, items),
                answer -> lowest.set(answer.lowestUid().orElse(0)));
        return Multi.createBy()
                .concatenating()
                .streams(first, Multi.createFrom().deferred(() -> {
                    UidSet rest = uids.below(lowest.get());
                    if (rest.equals(uids)) {
                        return Multi.createFrom()
                                .failure(new ServerException(new ServerFailure.Rejected(
                                        "MESSAGELIMIT", "the server does none of the messages that it was asked for")));
                    }
                    return rest.isEmpty() ? Multi.createFrom().empty() : fetch(rest, items);
                }));
    }

    /**
     * Some content of one message, in portions of at most 64 KiB or so, read from the socket as fast as the subscriber
     * requests: a portion is held at a time, however large it is. Fails with {@code Rejected} {@code NONEXISTENT} if the message
     * or the part is not there (any more); after portions have come, what they are part of is worthless.
     *
     * <p>{@link Section#decoded} needs the capability BINARY.
     */
    public Multi<Buffer> uidFetchSection(long uid, Section section) {
        return uidFetchChunks(uid, section).map(SectionChunk::octets);
    }

    /** The same; each portion says how much there is altogether, so whoever passes it on can announce it. */
    public Multi<SectionChunk> uidFetchChunks(long uid, Section section) {
        return wire.stream(new ImapCommand.UidFetchSection(uid, section))
                .onCompletion()
                .ifEmpty()
                .failWith(() -> new ServerException(
                        new ServerFailure.Rejected("NONEXISTENT", "the server has no such message or part")))
                .map(part -> new SectionChunk(
                        Buffer.buffer(Unpooled.wrappedBuffer(part.octets(), part.offset(), part.count())),
                        part.literalSize()))
                .select()
                .where(portion -> portion.octets().length() > 0);
    }

    /** All UIDs of the selected mailbox, ascending, as ranges. */
    public Uni<List<UidRange>> uidSearchAll() {
        return Uni.createFrom().deferred(() -> {
            long messages = session.messages();
            long portionMax = Math.min(SEARCH_MESSAGES_MAX, capabilities().messageLimit());
            if (messages <= portionMax) {
                return search(new SearchKey.All(), messages == 0).map(UidSet::ranges);
            }
            // From the end to the beginning: what is expunged meanwhile moves messages towards what is still to be
            // read.
            List<SearchKey> portions = new ArrayList<>();
            for (long last = messages; last >= 1; last -= portionMax) {
                portions.add(new SearchKey.Positions(
                        Math.max(1, last - portionMax + 1),
                        portions.isEmpty() ? OptionalLong.empty() : OptionalLong.of(last)));
            }
            return Multi.createFrom()
                    .iterable(portions)
                    .onItem()
                    .transformToUniAndConcatenate(portion -> search(portion, false))
                    .collect()
                    .asList()
                    .map(found -> UidSet.of(found.stream()
                                    .flatMap(set -> set.ranges().stream())
                                    .toList())
                            .ranges());
        });
    }

    /** UIDs of the messages with that Message-ID, ascending: how a message is found again after {@code OutcomeUnknown}. */
    public Uni<List<UidRange>> uidSearchMessageId(String messageId) {
        return Uni.createFrom().deferred(() -> search(new SearchKey.MessageId(messageId), true).map(UidSet::ranges));
    }

    /** Messages of the selected mailbox of exactly that many octets (RFC822.SIZE). */
    public Uni<List<UidRange>> uidSearchSize(long octets) {
        return Uni.createFrom().deferred(() -> search(new SearchKey.Size(octets), true).map(UidSet::ranges));
    }

    private Uni<UidSet> search(SearchKey key, boolean silenceMeansNone) {
        return wire.run(new ImapCommand.UidSearch(key, capabilities().hasOrRev2("ESEARCH")))
                .map(answer -> answer.found().orElseGet(() -> {
                    if (silenceMeansNone) {
                        return UidSet.EMPTY;
                    }
                    // "Nothing found" would mean that every message is gone.
                    throw new ServerException(
                            new ServerFailure.Unreachable("the server answered SEARCH without saying what it found"));
                }));
    }

    /**
     * UID STORE +FLAGS.SILENT or -FLAGS.SILENT. UIDs that are not there are passed over.
     *
     * @param unchangedSince leave messages alone that were changed after this mod-sequence (needs CONDSTORE)
     */
    public Uni<StoreResult> uidStore(
            List<UidRange> uids, StoreMode mode, Set<ImapFlag> flags, OptionalLong unchangedSince) {
        Set<ImapFlag> sorted = new TreeSet<>(flags);
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidStore(set, mode, sorted, unchangedSince))
                                .map(ImapAnswer::stored))
                .map(results -> {
                    Map<Long, Long> modSeqs = new HashMap<>();
                    results.forEach(result -> modSeqs.putAll(result.modSeqs()));
                    return new StoreResult(
                            UidSet.of(results.stream()
                                            .flatMap(result -> result.modified().stream())
                                            .toList())
                                    .ranges(),
                            modSeqs);
                });
    }

    /** Gives Gmail's labels to messages or takes them away; needs X-GM-EXT-1. Doing it twice is the same as doing it once. */
    public Uni<Void> uidStoreLabels(List<UidRange> uids, StoreMode mode, Set<GmailLabel> labels) {
        Set<GmailLabel> sorted = new TreeSet<>(labels);
        return forEachSet(uids, set -> wire.run(new ImapCommand.UidStoreLabels(set, mode, sorted)))
                .replaceWithVoid();
    }

    /** UID MOVE; needs the capability MOVE (RFC 6851). Empty if the server does not say where the messages went. */
    public Uni<List<CopiedUids>> uidMove(List<UidRange> uids, MailboxName target) {
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidMove(set, target)).map(ImapAnswer::copied))
                .map(ImapConnection::flatten);
    }

    /** UID COPY. Empty if the server does not say where the copies are (no UIDPLUS). */
    public Uni<List<CopiedUids>> uidCopy(List<UidRange> uids, MailboxName target) {
        return forEachSet(
                        uids,
                        set -> wire.run(new ImapCommand.UidCopy(set, target)).map(ImapAnswer::copied))
                .map(ImapConnection::flatten);
    }

    /** Destroys those of the messages that have {@code \Deleted}; needs UIDPLUS. A plain EXPUNGE is not offered. */
    public Uni<Void> uidExpunge(List<UidRange> uids) {
        return forEachSet(uids, set -> wire.run(new ImapCommand.UidExpunge(set)))
                .replaceWithVoid();
    }

    private <T> Uni<List<T>> forEachSet(List<UidRange> uids, Function<UidSet, Uni<? extends T>> send) {
        return Multi.createFrom()
                .iterable(UidSet.of(uids).split(capabilities().messageLimit()))
                .onItem()
                .transformToUniAndConcatenate(send)
                .collect()
                .asList();
    }

    private static <T> List<T> flatten(List<List<T>> lists) {
        return lists.stream().flatMap(List::stream).toList();
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
     * From now on everything is compressed (COMPRESS=DEFLATE, RFC 4978), which costs 300 KB and cannot be ended: for connections
     * that much mail comes over, not for those that mostly wait. A server that refuses is used as it is.
     */
    public Uni<Void> compress() {
        return wire.compress()
                .onFailure(ImapConnection::isRejected)
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

    // ---- waiting for news
    // ------------------------------------------------------------------------------------------------

    /**
     * Asks the server to speak of all personal mailboxes by itself, with NOTIFY (RFC 5465), and of fewer events where it
     * refuses some. From then on {@link #watch} needs no IDLE, and {@link #takeAccountChanges} says which mailbox. Ends with
     * {@link #notifyNone}, or when the server gives up ({@link AccountChange.TooMany}).
     *
     * @return false where the server has no NOTIFY or will not
     */
    public Uni<Boolean> notifyPersonal() {
        return Uni.createFrom()
                .deferred(() -> capabilities().has("NOTIFY")
                        ? notifyWith(new ArrayDeque<>(NOTIFY_EVENTS))
                        : Uni.createFrom().item(false));
    }

    private Uni<Boolean> notifyWith(Deque<List<String>> attempts) {
        if (attempts.isEmpty()) {
            return Uni.createFrom().item(false);
        }
        return wire.run(new ImapCommand.NotifySet(attempts.removeFirst()))
                .replaceWith(true)
                .onFailure(ImapConnection::isRejected)
                .recoverWithUni(() -> notifyWith(attempts));
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
     * Waits until the server says something or the time is up: with IDLE, or, while {@link #notifying} or where there is no
     * IDLE, saying nothing until the time is up and then NOOP, which notices a dead connection. RFC 2177 wants less than 29
     * minutes, networks less than 10. Cancelling ends it on the server too. Changes that are there already and were not taken
     * count as well: it then does not wait at all. Commands of others wait until it ends.
     */
    public Uni<WatchOutcome> watch(Duration atMost) {
        return Uni.createFrom().deferred(() -> {
            if (session.hasNews()) {
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

    /** Completes when the connection has ended, whoever ended it. */
    public Uni<Void> closed() {
        return wire.closed();
    }

    /** Closes at once; commands in progress fail. */
    public void close() {
        wire.close();
    }

    // ---- the login, for ImapClient
    // --------------------------------------------------------------------------------------

    /** Completes with the greeting. */
    Uni<Void> greeted() {
        return wire.greeted();
    }

    boolean loggedIn() {
        return !(session.state() instanceof ImapSessionState.NotAuthenticated);
    }

    boolean capabilitiesKnown() {
        return session.capabilitiesKnown();
    }

    /** STARTTLS and the TLS handshake; what was known of the server before is forgotten. */
    Uni<Void> startTls() {
        return wire.startTls();
    }

    Uni<Void> askCapabilities() {
        return wire.run(new ImapCommand.Capability()).replaceWithVoid();
    }

    Uni<Void> logIn(String username, Secret password) {
        return wire.run(new ImapCommand.Login(username, password)).replaceWithVoid();
    }

    /** AUTHENTICATE. Used once. */
    Uni<Void> logIn(SaslConversation conversation) {
        return wire.authenticate(conversation);
    }

    Uni<Void> exchangeIds(Map<String, String> ours) {
        return wire.run(new ImapCommand.Id(ours))
                .invoke(answer -> serverId = answer.id())
                .replaceWithVoid();
    }

    boolean toLoopback() {
        return wire.toLoopback();
    }

    Uni<Void> enable(Set<String> names) {
        return wire.run(new ImapCommand.Enable(names)).replaceWithVoid();
    }

    static boolean isRejected(Throwable error) {
        return error instanceof ServerException e && e.failure() instanceof ServerFailure.Rejected;
    }

    static boolean isBad(Throwable error) {
        return error instanceof ServerException e
                && e.failure() instanceof ServerFailure.Rejected(var code, var text)
                && code.equals("BAD");
    }
}
