package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.subscription.UniEmitter;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/** One command and the subscriber that waits for its answer. All methods are called on the connection's event loop. */
sealed interface Exchange permits Exchange.Answer, LoginExchange, IdleExchange, ListenExchange, StreamExchange {
    ImapCommand command();

    /** Whether it is still worth sending. */
    default boolean wanted() {
        return true;
    }

    /**
     * Whether the command is sent when the exchange becomes the current one; else the exchange sends it later, or not
     * at all.
     */
    default boolean sendsAtOnce() {
        return true;
    }

    /** The exchange is the current one, and its command was sent if it is to be sent at once. */
    default void begun() {}

    /** An item that the command streams. */
    default void item(Object item) {}

    /** Delivers the held item if it has been requested. */
    default void deliverHeld() {}

    /** Whether an item waits for its subscriber: then nothing more is read. */
    default boolean holds() {
        return false;
    }

    default void changed() {}

    /** The server continues a login. */
    default void challenged(String challenge) {}

    /** The failure that the answer amounts to; empty if it is a success. */
    default Optional<ServerFailure> verdict(Optional<ServerFailure> refused) {
        return refused;
    }

    void done(ImapAnswer answer);

    void failed(RuntimeException error);

    /** The subscriber has cancelled after the command was sent. */
    void cancelled();

    /** Waits for the answer and nothing else. */
    record Answer(ImapCommand command, UniEmitter<? super ImapAnswer> emitter) implements Exchange {
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
            // The server executes it in any case; the emitter drops the answer.
        }
    }
}
