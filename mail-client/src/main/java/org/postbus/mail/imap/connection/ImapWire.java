package org.postbus.mail.imap.connection;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.ScheduledFuture;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.AsyncResult;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.net.NetSocket;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.ConnectionErrors;
import org.postbus.mail.imap.framing.ImapFrame;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.framing.ImapInput;
import org.postbus.mail.imap.framing.ImapViolation;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapEncoder;
import org.postbus.mail.imap.grammar.response.ImapParser;
import org.postbus.mail.imap.sasl.SaslConversation;
import org.postbus.mail.imap.session.ImapAnswer;
import org.postbus.mail.imap.session.ImapFailures;
import org.postbus.mail.imap.session.ImapSession;
import org.postbus.mail.imap.session.ImapSessionState;
import org.postbus.mail.imap.session.SessionOutput;
import org.postbus.mail.memory.HeldBytes;

/**
 * The socket of one connection, the session on it, and the exchanges that wait for answers. Commands run one at a
 * time, in the order of subscription, from any thread; everything else happens on the connection's event loop.
 *
 * <p>Octets pass the socket, {@link ImapFramer}, {@link ImapParser}, {@link ImapSession} and the current exchange.
 * While an item waits for its subscriber, no frame is taken and the socket is paused, so at most one item is held.
 */
final class ImapWire {
    private static final int SEND_OCTETS = 64 * 1024;
    /** Inflated octets that are handled before the event loop serves other connections. */
    private static final int OCTETS_BEFORE_YIELD = 256 * 1024;

    private final ContextInternal context;
    private final NetSocket socket;
    private final ImapOptions options;
    private final ImapInput input;
    private final ImapParser parser;
    private final ImapSession session;
    private final SilenceTimer silence;
    private final HeldBytes.Holder holder;
    private final HeldBytes.Share heldHere;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final CompletableFuture<Void> greeted = new CompletableFuture<>();

    // From here on only the event loop reads and writes.
    private final Deque<Exchange> waiting = new ArrayDeque<>();
    private Exchange current;
    private boolean receiving;
    private boolean paused;
    private boolean upgrading;
    private boolean yielding;
    private ServerFailure failure;

    private ImapWire(ContextInternal context, NetSocket socket, ImapOptions options) {
        this.context = context;
        this.socket = socket;
        this.options = options;
        this.parser = new ImapParser(options.nestingMax());
        this.session = new ImapSession(options.sessionLimits());
        this.input = new ImapInput(new ImapFramer(options.lineOctetsMax(), session.literals()));
        this.holder = options.held()
                .holder(reason ->
                        context.runOnContext(go -> fail(new ServerFailure.Unreachable("disconnected: " + reason))));
        this.heldHere = holder.share();
        this.silence = new SilenceTimer(
                context,
                options.silenceMax(),
                this::serverOwesAnswer,
                reason -> fail(new ServerFailure.Unreachable(
                        isGreeted() ? reason : reason + "; if it expects TLS on this port, choose TLS")));
    }

    /** Takes over a connected socket, on its event loop; it can be used when {@link #greeted} has completed. */
    static ImapWire on(ContextInternal context, NetSocket socket, ImapOptions options) {
        ImapWire wire = new ImapWire(context, socket, options);
        socket.handler(wire::received);
        socket.exceptionHandler(error ->
                wire.fail(new ServerFailure.Unreachable("connection lost: " + ConnectionErrors.sentence(error))));
        socket.closeHandler(closed -> wire.fail(new ServerFailure.Unreachable(
                wire.isGreeted()
                        ? "the server closed the connection"
                        : "the connection was closed before the greeting")));
        wire.silence.arm();
        return wire;
    }

    ImapSession session() {
        return session;
    }

    /** What this connection makes the process hold. */
    HeldBytes.Holder holder() {
        return holder;
    }

    long memoryMax() {
        return options.held().max();
    }

    boolean isMemoryTight() {
        return options.held().isTight();
    }

    /** Completes with the greeting. */
    Uni<Void> greeted() {
        return Uni.createFrom().completionStage(greeted::copy);
    }

    /** Completes when the connection has ended, for any reason. */
    Uni<Void> closed() {
        return Uni.createFrom().completionStage(ended::copy);
    }

    /** Closes at once; commands in progress fail. */
    void close() {
        onEventLoop(() -> fail(new ServerFailure.Unreachable("closed by us")));
    }

    /** STARTTLS and the TLS handshake; capabilities reported before are forgotten. */
    Uni<Void> startTls() {
        return run(new ImapCommand.StartTls())
                .chain(answer -> Uni.createFrom()
                        .completionStage(() -> socket.upgradeToSsl().toCompletionStage())
                        .onFailure()
                        .transform(error -> new ServerException(
                                new ServerFailure.Unreachable("STARTTLS: " + ConnectionErrors.sentence(error)), error))
                        .invoke(() -> {
                            upgrading = false;
                            session.server().forgetCapabilities();
                        }));
    }

    /** COMPRESS; if the server refuses, the connection stays as it is. */
    Uni<Void> compress() {
        return run(new ImapCommand.Compress()).replaceWithVoid();
    }

    /** Whether the server is on this machine. */
    boolean toLoopback() {
        SocketAddress remote = socket.remoteAddress();
        InetAddress address = remote == null || remote.hostAddress() == null
                ? null
                : NetUtil.createInetAddressFromIpAddressString(remote.hostAddress());
        return address != null && address.isLoopbackAddress();
    }

    Uni<ImapAnswer> run(ImapCommand command) {
        return Uni.createFrom().emitter(emitter -> {
            Exchange.Answer exchange = new Exchange.Answer(command, emitter);
            emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
            onEventLoop(() -> submit(exchange));
        });
    }

    /** AUTHENTICATE: the conversation computes on a worker thread. */
    Uni<Void> authenticate(SaslConversation conversation) {
        return Uni.createFrom()
                .<ImapAnswer>emitter(emitter -> {
                    LoginExchange exchange = new LoginExchange(
                            this,
                            conversation,
                            emitter,
                            ImapEncoder.sendsInitialResponse(
                                    conversation, session.server().capabilities()));
                    emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
                    onEventLoop(() -> submit(exchange));
                })
                .replaceWithVoid();
    }

    /** The items come as fast as the subscriber requests them; cancelling lets the server finish and drops the rest. */
    <T> Multi<T> stream(ImapCommand.Streams<T> command) {
        return stream(command, answer -> {});
    }

    /** @param answered called with the answer before the stream completes */
    <T> Multi<T> stream(ImapCommand.Streams<T> command, Consumer<ImapAnswer> answered) {
        return Multi.createFrom().safePublisher(subscriber -> {
            StreamExchange<T> exchange = new StreamExchange<>(this, command, subscriber, answered);
            subscriber.onSubscribe(exchange);
            onEventLoop(() -> submit(exchange));
        });
    }

    /** Waits without a command; at the end NOOP. */
    Uni<WatchOutcome> listen(Duration atMost) {
        return Uni.createFrom().emitter(emitter -> {
            ListenExchange exchange = new ListenExchange(this, emitter, atMost);
            emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
            onEventLoop(() -> submit(exchange));
        });
    }

    Uni<WatchOutcome> idle(Duration atMost) {
        return Uni.createFrom().emitter(emitter -> {
            IdleExchange exchange = new IdleExchange(this, emitter, atMost);
            emitter.onTermination(() -> onEventLoop(() -> cancel(exchange)));
            onEventLoop(() -> submit(exchange));
        });
    }

    // ---- the event loop
    // -------------------------------------------------------------------------------------------------

    void onEventLoop(Runnable task) {
        if (context.inThread()) {
            task.run();
        } else {
            context.runOnContext(go -> task.run());
        }
    }

    private void submit(Exchange exchange) {
        if (failure != null) {
            exchange.failed(new ServerException(failure));
            return;
        }
        waiting.add(exchange);
        beginNext();
    }

    void cancel(Exchange exchange) {
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
            List<SessionOutput> outputs;
            try {
                outputs = next.sendsAtOnce() ? session.begin(next.command()) : List.of();
            } catch (IllegalStateException | IllegalArgumentException e) {
                next.failed(e);
                continue;
            }
            current = next;
            input.beginAnswer(session.literals());
            silence.restart();
            silence.arm();
            act(outputs);
            next.begun();
        }
    }

    private void received(Buffer buffer) {
        silence.received(buffer.length());
        if (failure != null) {
            return;
        }
        if (upgrading) {
            fail(new ServerFailure.Unreachable("the server sent plain text after STARTTLS"));
            return;
        }
        if (!isGreeted()
                && ConnectionErrors.isTlsRecord(buffer.getByte(0), buffer.getByte(buffer.length() > 1 ? 1 : 0))) {
            fail(new ServerFailure.Unreachable("the server speaks TLS on a port that is configured without TLS"));
            return;
        }
        ByteBuf octets = buffer.getByteBuf();
        if (octets.hasArray() && !input.isCompressed()) {
            input.feed(octets.array(), octets.arrayOffset() + octets.readerIndex(), octets.readableBytes());
        } else {
            input.feed(buffer.getBytes());
        }
        receive();
    }

    /**
     * Handles the input until an item waits for its subscriber; then the socket is paused until the subscriber
     * requests more.
     */
    void receive() {
        if (receiving) {
            return;
        }
        receiving = true;
        int inflated = 0;
        try {
            while (failure == null && !yielding) {
                if (current != null) {
                    current.deliverHeld();
                }
                ImapFramer.Framed framed = blocked() ? null : input.next();
                if (framed == null) {
                    int more = blocked() ? 0 : input.inflate();
                    if (more == 0) {
                        break;
                    }
                    inflated += more;
                    if (inflated >= OCTETS_BEFORE_YIELD) {
                        yieldEventLoop();
                    }
                    continue;
                }
                act(
                        switch (framed) {
                            case ImapFrame frame -> {
                                silence.progressed();
                                yield session.receive(parser.parse(frame), frame.octets());
                            }
                            case ImapFramer.LiteralPart part -> session.receive(part);
                        });
            }
        } catch (ImapViolation e) {
            fail(
                    e.isOfLimit()
                            ? new ServerFailure.LimitExceeded("the server exceeded a limit: " + e.getMessage())
                            : new ServerFailure.Unreachable((isGreeted()
                                            ? "the server broke the protocol: "
                                            : "the server speaks another protocol (not IMAP): ")
                                    + e.getMessage()));
        } catch (RuntimeException bug) {
            // A bug of ours: the exchange gets the exception itself, and nothing is read from a position that is
            // uncertain.
            Exchange out = current;
            current = null;
            fail(new ServerFailure.Unreachable("the connection was given up after an internal error"));
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
        heldHere.set(input.heldOctets() + session.heldBytes());
        boolean hold = blocked() || yielding;
        if (hold && !paused) {
            paused = true;
            socket.pause();
        } else if (!hold && paused) {
            paused = false;
            silence.restart();
            socket.resume();
        }
    }

    private void yieldEventLoop() {
        yielding = true;
        context.runOnContext(go -> {
            yielding = false;
            receive();
        });
    }

    private boolean blocked() {
        return current != null && current.holds();
    }

    void act(List<SessionOutput> outputs) {
        for (SessionOutput output : outputs) {
            switch (output) {
                case SessionOutput.Send(var octets) -> send(octets);
                case SessionOutput.Deliver(var item) -> current.item(item);
                case SessionOutput.Changed changed -> {
                    if (current != null) {
                        current.changed();
                    }
                }
                case SessionOutput.Challenged(var challenge) -> current.challenged(challenge);
                case SessionOutput.Greeted greeting -> greeted.complete(null);
                case SessionOutput.Answered(var answer) -> answered(answer);
                case SessionOutput.Ended(var why) -> fail(why);
            }
        }
    }

    private void send(byte[] plain) {
        if (failure != null) {
            return;
        }
        byte[] octets = input.outgoing(plain);
        for (int from = 0; from < octets.length; from += SEND_OCTETS) {
            ByteBuf some = Unpooled.wrappedBuffer(octets, from, Math.min(SEND_OCTETS, octets.length - from));
            // That the server accepts our octets counts as progress, too.
            socket.write(Buffer.buffer(some)).onSuccess(sent -> silence.restart());
        }
    }

    private void answered(ImapAnswer answer) {
        Exchange done = current;
        current = null;
        input.endAnswer(session.literals());
        Optional<ServerFailure> refused = done.verdict(ImapFailures.of(answer.command(), answer.tagged()));
        if (refused.isPresent()) {
            done.failed(new ServerException(refused.get()));
        } else if (answer.command() instanceof ImapCommand.StartTls) {
            // Clear text behind the OK does not come from the server that TLS will authenticate (RFC 9051 section
            // 11.1).
            if (!input.isEmpty()) {
                fail(new ServerFailure.Unreachable("the server sent plain text after STARTTLS"));
                done.failed(new ServerException(failure));
                return;
            }
            upgrading = true;
            done.done(answer);
        } else if (answer.command() instanceof ImapCommand.Compress) {
            input.compress();
            done.done(answer);
        } else {
            done.done(answer);
        }
        beginNext();
    }

    void fail(ServerFailure why) {
        if (failure != null) {
            return;
        }
        failure = why;
        socket.close();
        input.release();
        holder.close();
        Exchange out = current;
        current = null;
        if (out != null) {
            out.failed(new ServerException(ImapFailures.ofLostConnection(out.command(), session.sentWhole(), why)));
        }
        session.release();
        while (!waiting.isEmpty()) {
            waiting.removeFirst().failed(new ServerException(why));
        }
        greeted.completeExceptionally(new ServerException(why));
        ended.complete(null);
    }

    private boolean isGreeted() {
        return !(session.state() instanceof ImapSessionState.Greeting);
    }

    private boolean serverOwesAnswer() {
        if (failure != null) {
            return false;
        }
        return (!isGreeted() || session.busy()) && !session.idling() && !blocked();
    }

    // ---- for the exchanges
    // --------------------------------------------------------------------------------------------

    boolean isCurrent(Exchange exchange) {
        return current == exchange;
    }

    /** The current exchange is over without an answer. */
    void endCurrent() {
        current = null;
        beginNext();
    }

    SilenceTimer silence() {
        return silence;
    }

    ScheduledFuture<?> after(Duration time, Runnable task) {
        return context.nettyEventLoop()
                .schedule(() -> context.runOnContext(go -> task.run()), time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** On a worker thread; the result is handled on the event loop. */
    <T> void compute(Callable<T> computation, Handler<AsyncResult<T>> then) {
        context.executeBlocking(computation).onComplete(then);
    }
}
