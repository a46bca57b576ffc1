package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.subscription.UniEmitter;
import java.util.Base64;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.sasl.SaslConversation;
import org.postbus.mail.imap.session.ImapAnswer;

/** AUTHENTICATE: passes challenges to the SASL conversation and its responses to the server. */
final class LoginExchange implements Exchange {
    private static final int CHALLENGES_MAX = 10;

    private final ImapWire wire;
    private final ImapCommand.Authenticate command;
    private final SaslConversation conversation;
    private final UniEmitter<? super ImapAnswer> emitter;
    private boolean begun;
    private int challenges;
    private Optional<ServerFailure> ours = Optional.empty();

    LoginExchange(
            ImapWire wire,
            SaslConversation conversation,
            UniEmitter<? super ImapAnswer> emitter,
            boolean initialResponseSent) {
        this.wire = wire;
        this.command = new ImapCommand.Authenticate(conversation);
        this.conversation = conversation;
        this.emitter = emitter;
        this.begun = initialResponseSent;
    }

    @Override
    public ImapCommand command() {
        return command;
    }

    @Override
    public void challenged(String text) {
        if (++challenges > CHALLENGES_MAX) {
            wire.fail(new ServerFailure.Unreachable("the login does not end: too many challenges"));
            return;
        }
        Optional<byte[]> initial = begun ? Optional.empty() : conversation.initialResponse();
        begun = true;
        if (initial.isPresent()) {
            wire.act(wire.session().respond(initial.get()));
            return;
        }
        wire.compute(() -> conversation.respond(decoded(text)), computed -> {
            if (!wire.isCurrent(this)) {
                return;
            }
            wire.silence().restart();
            if (computed.succeeded()) {
                wire.act(wire.session().respond(computed.result()));
            } else {
                ours = Optional.of(
                        new ServerFailure.Unreachable(computed.cause().getMessage()));
                wire.act(wire.session().cancelLogin());
            }
        });
    }

    private static byte[] decoded(String challenge) throws SaslConversation.SaslFailure {
        try {
            return Base64.getDecoder().decode(challenge.strip());
        } catch (IllegalArgumentException e) {
            throw new SaslConversation.SaslFailure("the server's challenge is not in base64");
        }
    }

    @Override
    public Optional<ServerFailure> verdict(Optional<ServerFailure> refused) {
        if (ours.isPresent()) {
            return ours;
        }
        if (refused.isEmpty() && !conversation.proven()) {
            return Optional.of(new ServerFailure.Unreachable("the server did not prove that it knows the password"));
        }
        return refused.map(failure -> failure instanceof ServerFailure.AuthRejected(var text)
                ? new ServerFailure.AuthRejected(text
                        + conversation.reason().map(why -> " (" + why + ")").orElse(""))
                : failure);
    }

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
        // The caller of the login closes the connection when it is cancelled.
    }
}
