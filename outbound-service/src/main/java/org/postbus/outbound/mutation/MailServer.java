package org.postbus.outbound.mutation;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.model.EmailId;

/**
 * One account's mail server as something that can be asked to carry mutations out. Blocks: it is called on virtual threads, by
 * one at a time.
 */
public interface MailServer {

    /**
     * Carries the mutations out with as few commands as possible. Never throws for what a server does.
     *
     * @param mutations one for each email
     */
    Answers carryOut(List<FoldedMutation> mutations, ServerSnapshot snapshot);

    /**
     * Creates, renames, moves or destroys a mailbox. Doing it again does nothing: what an earlier try has done is looked for.
     *
     * @throws org.postbus.mail.ServerException if the server is of no use for now
     */
    Answer carryOut(MailboxMutation mutation, ServerSnapshot snapshot);

    /** Whether it can still be used. */
    boolean isOpen();

    /** Ends the connection, if there is one. */
    void close();

    /** What became of one mutation. */
    sealed interface Answer {
        /** The server is now as requested. */
        record Done() implements Answer {}

        record Failed(ServerFailure failure) implements Answer {
            public Failed {
                Objects.requireNonNull(failure);
            }
        }

        Answer DONE = new Done();
    }

    /**
     * @param byEmail what the server answered
     * @param lost why the server is of no use for now; empty if all is well. Mutations without an answer share its fate
     * @param changing whether anything was sent that may have changed something
     */
    record Answers(Map<EmailId, Answer> byEmail, Optional<ServerFailure> lost, boolean changing) {
        public Answers {
            byEmail = Map.copyOf(byEmail);
            Objects.requireNonNull(lost);
        }
    }
}
