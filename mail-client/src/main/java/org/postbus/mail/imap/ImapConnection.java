package org.postbus.mail.imap;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.ScheduledFuture;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.net.NetSocket;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.postbus.event.UidRange;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.ImapCommand.SearchKey;

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
    public static final int CHANGES_MAX = 10_000;

    /** Beyond so many messages UIDs are asked for in portions, so that each answer fits in a line of 1 MiB. */
    private static final long SEARCH_MESSAGES_MAX = 45_000;

    private static final int SEND_OCTETS = 64 * 1024;
    private static final Duration LOGOUT_MAX = Duration.ofSeconds(10);
    private static final List<String> STATUS_ITEMS = List.of("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN");

    private final ContextInternal context;
    private final NetSocket socket;
    private final ImapOptions options;
    private final ImapFramer framer;
    private final ImapParser parser;
    private final ImapSession session;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final CompletableFuture<Void> greeted = new CompletableFuture<>();
    private volatile Map<String, String> serverId = Map.of();

    // From here on only the event loop reads and writes.
    private final Deque<Exchange> waiting = new ArrayDeque<>();
    private Exchange current;
    private boolean receiving;
    private boolean paused;
    private boolean upgrading;
    private ServerFailure failure;
    private long heardAt = System.nanoTime();
    private boolean watching;

    private ImapConnection(ContextInternal context, NetSocket socket, ImapOptions options) {
        this.context = context;
        this.socket = socket;
        this.options = options;
        this.framer = new ImapFramer(options.lineOctetsMax(), options.literalOctetsMax());
        this.parser = new ImapParser(options.nestingMax());
        this.session = new ImapSession(options);
    }

    /** Takes over a connected socket, on its event loop; the connection can be used when {@link #greeted} has completed. */
    static ImapConnection on(ContextInternal context, NetSocket socket, ImapOptions options) {
        ImapConnection connection = new ImapConnection(context, socket, options);
        socket.handler(connection::received);
        socket.exceptionHandler(error -> connection.fail(new ServerFailure.Unreachable("connection lost: " + error)));
        socket.closeHandler(
                closed -> connection.fail(new ServerFailure.Unreachable("the server closed the connection")));
        connection.watchSilence();
        return connection;
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

    // ---- mailboxes
    // ------------------------------------------------------------------------------------------------------

    /** Empty where the server has no NAMESPACE. */
    public Uni<Optional<Namespaces>> namespace() {
        return Uni.createFrom()
                .deferred(() -> capabilities().hasOrRev2("NAMESPACE")
                        ? run(new ImapCommand.Namespace()).map(ImapAnswer::namespaces)
                        : Uni.createFrom().item(Optional.empty()));
    }

    /**
     * All mailboxes with their STATUS: one command where the server has LIST-STATUS, else LIST and a STATUS for each. Each
     * name once.
     */
    public Uni<List<ListedMailbox>> list() {
        return Uni.createFrom().deferred(() -> {
            Deque<ImapCommand.ListAll> attempts = listAttempts();
            return listWith(attempts).chain(this::withMissingStatus);
        });
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
        if (capabilities().has("OBJECTID")) {
            items.add("MAILBOXID");
        }
        return List.copyOf(items);
    }

    private Uni<List<ListedMailbox>> listWith(Deque<ImapCommand.ListAll> attempts) {
        ImapCommand.ListAll attempt = attempts.removeFirst();
        Uni<List<ListedMailbox>> listed = run(attempt).map(ImapAnswer::mailboxes);
        if (attempts.isEmpty()) {
            return listed.chain(this::withSubscribed);
        }
        return listed.onFailure(ImapConnection::isRejected).recoverWithUni(() -> listWith(attempts));
    }

    private Uni<List<ListedMailbox>> withSubscribed(List<ListedMailbox> mailboxes) {
        return run(new ImapCommand.ListSubscribed())
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

    private Uni<List<ListedMailbox>> withMissingStatus(List<ListedMailbox> mailboxes) {
        return Multi.createFrom()
                .iterable(mailboxes)
                .onItem()
                .transformToUniAndConcatenate(one ->
                        one.selectable() && one.status().isEmpty()
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
        return run(new ImapCommand.Status(name, items))
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

    private Uni<SelectedMailbox> selectWith(ImapCommand.Select command) {
        return run(command).map(answer -> answer.selected(command));
    }

    /** Leaves the mailbox without expunging anything: UNSELECT, or an EXAMINE of a name that is not there. Never CLOSE. */
    public Uni<Void> unselect() {
        return Uni.createFrom().deferred(() -> {
            if (capabilities().hasOrRev2("UNSELECT")) {
                return run(new ImapCommand.Unselect()).replaceWithVoid();
            }
            MailboxName nowhere = new MailboxName("postbus-no-such-mailbox-" + Long.toHexString(System.nanoTime()));
            return run(new ImapCommand.Select(nowhere, true, false))
                    .replaceWithVoid()
                    .onFailure(ImapConnection::isRejected)
                    .recoverWithUni(Uni.createFrom().voidItem());
        });
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
        List<ImapCommand.UidFetch> commands = UidSets.split(UidSets.normalize(uids)).stream()
                .map(set -> new ImapCommand.UidFetch(set, items))
                .toList();
        if (commands.size() == 1) {
            return fetch(commands.getFirst());
        }
        return Multi.createFrom().iterable(commands).onItem().transformToMultiAndConcatenate(this::fetch);
    }

    private Multi<FetchedMessage> fetch(ImapCommand.UidFetch command) {
        return Multi.createFrom().safePublisher(subscriber -> {
            FetchExchange exchange = new FetchExchange(command, subscriber);
            subscriber.onSubscribe(exchange);
            onEventLoop(() -> submit(exchange));
        });
    }

    /** All UIDs of the selected mailbox, ascending, as ranges. */
    public Uni<List<UidRange>> uidSearchAll() {
        return Uni.createFrom().deferred(() -> {
            long messages = session.messages();
            if (messages <= SEARCH_MESSAGES_MAX) {
                return search(new SearchKey.All(), messages == 0);
            }
            // From the end to the beginning: what is expunged meanwhile moves messages towards what is still to be
            // read.
            List<SearchKey> portions = new ArrayList<>();
            for (long last = messages; last >= 1; last -= SEARCH_MESSAGES_MAX) {
                portions.add(new SearchKey.Positions(
                        Math.max(1, last - SEARCH_MESSAGES_MAX + 1),
                        portions.isEmpty() ? OptionalLong.empty() : OptionalLong.of(last)));
            }
            return Multi.createFrom()
                    .iterable(portions)
                    .onItem()
                    .transformToUniAndConcatenate(portion -> search(portion, false))
                    .collect()
                    .asList()
                    .map(found -> UidSets.normalize(
                            found.stream().flatMap(List::stream).toList()));
        });
    }

    /** UIDs of the messages with that Message-ID, ascending: how a message is found again after {@code OutcomeUnknown}. */
    public Uni<List<UidRange>> uidSearchMessageId(String messageId) {
        return Uni.createFrom().deferred(() -> search(new SearchKey.MessageId(messageId), true));
    }

    private Uni<List<UidRange>> search(SearchKey key, boolean silenceMeansNone) {
        return run(new ImapCommand.UidSearch(key, capabilities().hasOrRev2("ESEARCH")))
                .map(answer -> answer.found().orElseGet(() -> {
                    if (silenceMeansNone) {
                        return List.of();
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
                        set -> run(new ImapCommand.UidStore(set, mode, sorted, unchangedSince))
                                .map(ImapAnswer::stored))
                .map(results -> {
                    Map<Long, Long> modSeqs = new HashMap<>();
                    results.forEach(result -> modSeqs.putAll(result.modSeqs()));
                    return new StoreResult(
                            UidSets.normalize(results.stream()
                                    .flatMap(result -> result.modified().stream())
                                    .toList()),
                            modSeqs);
                });
    }

    /** UID MOVE; needs the capability MOVE (RFC 6851). Empty if the server does not say where the messages went. */
    public Uni<List<CopiedUids>> uidMove(List<UidRange> uids, MailboxName target) {
        return forEachSet(uids, set -> run(new ImapCommand.UidMove(set, target)).map(ImapAnswer::copied))
                .map(ImapConnection::flatten);
    }

    /** UID COPY. Empty if the server does not say where the copies are (no UIDPLUS). */
    public Uni<List<CopiedUids>> uidCopy(List<UidRange> uids, MailboxName target) {
        return forEachSet(uids, set -> run(new ImapCommand.UidCopy(set, target)).map(ImapAnswer::copied))
                .map(ImapConnection::flatten);
    }

    /** Destroys those of the messages that have {@code \Deleted}; needs UIDPLUS. A plain EXPUNGE is not offered. */
    public Uni<Void> uidExpunge(List<UidRange> uids) {
        return forEachSet(uids, set -> run(new ImapCommand.UidExpunge(set))).replaceWithVoid();
    }

    private <T> Uni<List<T>> forEachSet(List<UidRange> uids, Function<List<UidRange>, Uni<? extends T>> send) {
        return Multi.createFrom()
                .iterable(UidSets.split(UidSets.normalize(uids)))
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
        return run(new ImapCommand.Append(target, new TreeSet<>(flags), internalDate, message))
                .map(ImapAnswer::appended);
    }

    /** NOOP: gives the server a chance to report changes. */
    public Uni<Void> noop() {
        return run(new ImapCommand.Noop()).replaceWithVoid();
    }

    /**
     * IDLE until something happens or the time is up; needs the capability IDLE. RFC 2177 wants less than 29 minutes, networks
     * less than 10. Cancelling ends it on the server too. Changes that are there already, not yet taken by {@link
     * #takeChanges}, count as well: it then does not idle at all.
     */
    public Uni<IdleOutcome> idle(Duration atMost) {
        return Uni.createFrom().deferred(() -> {
            if (!session.changes().isEmpty()) {
                return Uni.createFrom().item(IdleOutcome.CHANGED);
            }
            return Uni.createFrom().emitter(emitter -> {
                IdleExchange exchange = new IdleExchange(emitter, atMost);
                emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
                onEventLoop(() -> submit(exchange));
            });
        });
    }

    // ---- the end
    // --------------------------------------------------------------------------------------------------------

    /** LOGOUT, then closes. Never fails. */
    public Uni<Void> logout() {
        return run(new ImapCommand.Logout())
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
        return Uni.createFrom().completionStage(ended::copy);
    }

    /** Closes at once; commands in progress fail. */
    public void close() {
        onEventLoop(() -> fail(new ServerFailure.Unreachable("closed by us")));
    }

    // ---- the login, for ImapClient
    // --------------------------------------------------------------------------------------

    /** Completes with the greeting. */
    Uni<Void> greeted() {
        return Uni.createFrom().completionStage(greeted::copy);
    }

    boolean loggedIn() {
        return !(session.state() instanceof ImapSessionState.NotAuthenticated);
    }

    boolean capabilitiesKnown() {
        return session.capabilitiesKnown();
    }

    /** STARTTLS and the TLS handshake; what was known of the server before is forgotten. */
    Uni<Void> startTls() {
        return run(new ImapCommand.StartTls())
                .chain(answer -> Uni.createFrom()
                        .completionStage(() -> socket.upgradeToSsl().toCompletionStage())
                        .onFailure()
                        .transform(error -> new ServerException(
                                new ServerFailure.Unreachable(
                                        "STARTTLS: the TLS handshake failed: " + error.getMessage()),
                                error))
                        .invoke(() -> {
                            upgrading = false;
                            session.forgetCapabilities();
                        }));
    }

    Uni<Void> askCapabilities() {
        return run(new ImapCommand.Capability()).replaceWithVoid();
    }

    Uni<Void> logIn(ImapCommand.LogsIn command) {
        return run(command).replaceWithVoid();
    }

    Uni<Void> exchangeIds(Map<String, String> ours) {
        return run(new ImapCommand.Id(ours))
                .invoke(answer -> serverId = answer.id())
                .replaceWithVoid();
    }

    Uni<Void> enable(Set<String> names) {
        return run(new ImapCommand.Enable(names)).replaceWithVoid();
    }

    static boolean isRejected(Throwable error) {
        return error instanceof ServerException e && e.failure() instanceof ServerFailure.Rejected;
    }

    static boolean isBad(Throwable error) {
        return error instanceof ServerException e
                && e.failure() instanceof ServerFailure.Rejected(var code, var text)
                && code.equals("BAD");
    }

    // ---- the event loop
    // -------------------------------------------------------------------------------------------------

    private void onEventLoop(Runnable task) {
        if (context.inThread()) {
            task.run();
        } else {
            context.runOnContext(go -> task.run());
        }
    }

    private Uni<ImapAnswer> run(ImapCommand command) {
        return Uni.createFrom().emitter(emitter -> {
            AnswerExchange exchange = new AnswerExchange(command, emitter);
            emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
            onEventLoop(() -> submit(exchange));
        });
    }

    private void submit(Exchange exchange) {
        if (failure != null) {
            exchange.failed(new ServerException(failure));
            return;
        }
        waiting.add(exchange);
        beginNext();
    }

    private void cancel(Exchange exchange) {
        if (waiting.remove(exchange)) {
            return;
        }
        if (exchange == current) {
            exchange.cancelled();
        }
    }

    private void beginNext() {
        while (current == null && failure == null && !waiting.isEmpty()) {
            Exchange next = waiting.removeFirst();
            if (!next.wanted()) {
                continue;
            }
            List<ImapSession.Output> outputs;
            try {
                outputs = session.begin(next.command());
            } catch (IllegalStateException | IllegalArgumentException e) {
                next.failed(e);
                continue;
            }
            current = next;
            framer.literalOctetsMax(session.literalOctetsMax());
            heardAt = System.nanoTime();
            watchSilence();
            act(outputs);
            next.begun();
        }
    }

    private void received(Buffer buffer) {
        heardAt = System.nanoTime();
        if (failure != null) {
            return;
        }
        if (upgrading) {
            fail(new ServerFailure.Unreachable("the server sent plain text after STARTTLS"));
            return;
        }
        ByteBuf octets = buffer.getByteBuf();
        if (octets.hasArray()) {
            framer.feed(octets.array(), octets.arrayOffset() + octets.readerIndex(), octets.readableBytes());
        } else {
            byte[] copy = buffer.getBytes();
            framer.feed(copy, 0, copy.length);
        }
        receive();
    }

    /** Handles what is there until a message waits for its reader; then the socket rests until the reader asks again. */
    private void receive() {
        if (receiving) {
            return;
        }
        receiving = true;
        try {
            while (failure == null) {
                if (current instanceof FetchExchange fetch) {
                    fetch.deliverHeld();
                }
                ImapFrame frame = blocked() ? null : framer.next();
                if (frame == null) {
                    break;
                }
                act(session.receive(parser.parse(frame)));
            }
        } catch (ImapViolation e) {
            fail(new ServerFailure.Unreachable("the server broke the protocol: " + e.getMessage()));
        } catch (RuntimeException bug) {
            // Ours, not the server's: whoever waits is told what it is, and nobody reads on from a place that is not
            // sure.
            Exchange out = current;
            current = null;
            fail(new ServerFailure.Unreachable("given up"));
            if (out != null) {
                out.failed(bug);
            }
            throw bug;
        } finally {
            receiving = false;
        }
        if (failure != null) {
            return;
        }
        if (blocked() && !paused) {
            paused = true;
            socket.pause();
        } else if (!blocked() && paused) {
            paused = false;
            heardAt = System.nanoTime();
            socket.resume();
        }
    }

    private boolean blocked() {
        return current instanceof FetchExchange fetch && fetch.held != null;
    }

    private void act(List<ImapSession.Output> outputs) {
        for (ImapSession.Output output : outputs) {
            switch (output) {
                case ImapSession.Output.Send(var octets) -> send(octets);
                case ImapSession.Output.Deliver(var message) -> current.message(message);
                case ImapSession.Output.Stirred stirred -> current.stirred();
                case ImapSession.Output.Greeted greeting -> greeted.complete(null);
                case ImapSession.Output.Answered(var answer) -> answered(answer);
                case ImapSession.Output.Ended(var why) -> fail(why);
            }
        }
    }

    private void send(byte[] octets) {
        for (int from = 0; from < octets.length; from += SEND_OCTETS) {
            ByteBuf some = Unpooled.wrappedBuffer(octets, from, Math.min(SEND_OCTETS, octets.length - from));
            // That the server takes what we send is a sign of life, too.
            socket.write(Buffer.buffer(some)).onSuccess(sent -> heardAt = System.nanoTime());
        }
    }

    private void answered(ImapAnswer answer) {
        Exchange done = current;
        current = null;
        framer.literalOctetsMax(session.literalOctetsMax());
        Optional<ServerFailure> refused = ImapFailures.of(answer.command(), answer.tagged());
        if (refused.isPresent()) {
            done.failed(new ServerException(refused.get()));
        } else if (answer.command() instanceof ImapCommand.StartTls) {
            // Whatever came in clear text behind the OK was not said by the server that TLS will prove (RFC 9051
            // section 11.1).
            if (!framer.isEmpty()) {
                fail(new ServerFailure.Unreachable("the server sent plain text after STARTTLS"));
                done.failed(new ServerException(failure));
                return;
            }
            upgrading = true;
            done.done(answer);
        } else {
            done.done(answer);
        }
        beginNext();
    }

    private void fail(ServerFailure why) {
        if (failure != null) {
            return;
        }
        failure = why;
        socket.close();
        Exchange out = current;
        current = null;
        if (out != null) {
            out.failed(new ServerException(ImapFailures.ofLostConnection(out.command(), session.sentWhole(), why)));
        }
        while (!waiting.isEmpty()) {
            waiting.removeFirst().failed(new ServerException(why));
        }
        greeted.completeExceptionally(new ServerException(why));
        ended.complete(null);
    }

    /** A timer while the server owes us an answer; none otherwise. */
    private void watchSilence() {
        if (watching || failure != null || !serverOwesAnswer()) {
            return;
        }
        watching = true;
        long left = options.silenceMax().toNanos() - (System.nanoTime() - heardAt);
        context.nettyEventLoop()
                .schedule(
                        () -> context.runOnContext(go -> {
                            watching = false;
                            if (failure != null || !serverOwesAnswer()) {
                                return;
                            }
                            if (System.nanoTime() - heardAt
                                    >= options.silenceMax().toNanos()) {
                                fail(new ServerFailure.Unreachable("the server was silent for more than "
                                        + options.silenceMax().toMillis() + " ms"));
                            } else {
                                watchSilence();
                            }
                        }),
                        Math.max(1, left),
                        TimeUnit.NANOSECONDS);
    }

    private boolean serverOwesAnswer() {
        boolean greeting = session.state() instanceof ImapSessionState.Greeting;
        return (greeting || current != null) && !session.idling() && !blocked();
    }

    // ---- one command and who waits for it
    // -------------------------------------------------------------------------------

    private sealed interface Exchange {
        ImapCommand command();

        /** Whether it is still worth sending. */
        default boolean wanted() {
            return true;
        }

        /** It was sent. */
        default void begun() {}

        default void message(FetchedMessage message) {}

        default void stirred() {}

        void done(ImapAnswer answer);

        void failed(RuntimeException error);

        /** Nobody waits any more, and it was sent. */
        void cancelled();
    }

    private record AnswerExchange(ImapCommand command, UniEmitter<? super ImapAnswer> emitter) implements Exchange {
        @Override
        public void done(ImapAnswer answer) {
            emitter.complete(answer);
        }

        @Override
        public void failed(RuntimeException error) {
            emitter.fail(error);
        }

        @Override
        public void cancelled() {
            // The server does it all the same; the emitter drops the answer.
        }
    }

    private final class IdleExchange implements Exchange {
        private final ImapCommand command = new ImapCommand.Idle();
        private final UniEmitter<? super IdleOutcome> emitter;
        private final Duration atMost;
        private IdleOutcome outcome = IdleOutcome.TIME_UP;
        private ScheduledFuture<?> timer;

        private IdleExchange(UniEmitter<? super IdleOutcome> emitter, Duration atMost) {
            this.emitter = emitter;
            this.atMost = atMost;
        }

        @Override
        public ImapCommand command() {
            return command;
        }

        @Override
        public void begun() {
            timer = context.nettyEventLoop()
                    .schedule(() -> context.runOnContext(go -> end()), atMost.toMillis(), TimeUnit.MILLISECONDS);
        }

        @Override
        public void stirred() {
            outcome = IdleOutcome.CHANGED;
            end();
        }

        private void end() {
            if (current == this) {
                heardAt = System.nanoTime();
                act(session.endIdle());
                watchSilence();
            }
        }

        @Override
        public void done(ImapAnswer answer) {
            timer.cancel(false);
            emitter.complete(outcome);
        }

        @Override
        public void failed(RuntimeException error) {
            if (timer != null) {
                timer.cancel(false);
            }
            emitter.fail(error);
        }

        @Override
        public void cancelled() {
            end();
        }
    }

    /** Holds one message at most: the first that came when none was asked for. */
    private final class FetchExchange implements Exchange, Flow.Subscription {
        private final ImapCommand.UidFetch command;
        private final Flow.Subscriber<? super FetchedMessage> subscriber;
        private long requested;
        private FetchedMessage held;
        private boolean over;

        private FetchExchange(ImapCommand.UidFetch command, Flow.Subscriber<? super FetchedMessage> subscriber) {
            this.command = command;
            this.subscriber = subscriber;
        }

        @Override
        public ImapCommand command() {
            return command;
        }

        @Override
        public void request(long n) {
            onEventLoop(() -> {
                if (over) {
                    return;
                }
                if (n <= 0) {
                    failed(new IllegalArgumentException("a reader must request something"));
                } else {
                    requested = requested + n < 0 ? Long.MAX_VALUE : requested + n;
                }
                if (current == this) {
                    receive();
                    watchSilence();
                }
            });
        }

        @Override
        public void cancel() {
            onEventLoop(() -> {
                over = true;
                held = null;
                ImapConnection.this.cancel(this);
                receive();
            });
        }

        @Override
        public void message(FetchedMessage message) {
            if (over) {
                return;
            }
            if (requested == 0) {
                held = message;
                return;
            }
            if (requested != Long.MAX_VALUE) {
                requested--;
            }
            subscriber.onNext(message);
        }

        private void deliverHeld() {
            if (held != null && requested > 0) {
                FetchedMessage first = held;
                held = null;
                message(first);
            }
        }

        @Override
        public boolean wanted() {
            return !over;
        }

        @Override
        public void done(ImapAnswer answer) {
            if (!over) {
                over = true;
                subscriber.onComplete();
            }
        }

        @Override
        public void failed(RuntimeException error) {
            if (!over) {
                over = true;
                held = null;
                subscriber.onError(error);
            }
        }

        @Override
        public void cancelled() {
            watchSilence();
        }
    }
}
