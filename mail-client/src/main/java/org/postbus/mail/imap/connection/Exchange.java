package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.subscription.UniEmitter;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.session.ImapAnswer;

/** One command and who waits for it. All methods are called on the connection's event loop. */
sealed interface Exchange permits Exchange.Answer, LoginExchange, IdleExchange, ListenExchange, StreamExchange {
    ImapCommand command();

    /** Whether it is still worth sending. */
    default boolean wanted() {
        return true;
    }

    /** Whether its command goes out when its turn comes; else the exchange sends it, or not. */
    default boolean sendsAtOnce() {
        return true;
    }

    /** Its turn has come, and the command was sent if it was to be. */
    default void begun() {}

    /** One of the things that the command streams. */
    default void item(Object item) {}

    /** Hands on what was held, if it is asked for now. */
    default void deliverHeld() {}

    /** Whether something waits for its reader: then the server must wait, too. */
    default boolean holds() {
        return false;
    }

    default void changed() {}

    /** The server goes on with a login. */
    default void challenged(String challenge) {}

    /** What the server's answer comes to. */
    default Optional<ServerFailure> verdict(Optional<ServerFailure> refused) {
        return refused;
    }

    void done(ImapAnswer answer);

    void failed(RuntimeException error);

    /** Nobody waits any more, and it was sent. */
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
            // The server does it all the same; the emitter drops the answer.
        }
    }
}
