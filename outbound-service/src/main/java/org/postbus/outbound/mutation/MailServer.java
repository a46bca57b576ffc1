package org.postbus.outbound.mutation;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.postbus.mail.ServerFailure;
import org.postbus.model.EmailId;

/**
 * The mail server of one account, as the target of mutations. Applying a mutation again has no further effect: commands that must not
 * run twice are preceded by a search for the result of the earlier attempt. Blocks; used on virtual threads by one caller at a time.
 */
public interface MailServer {

    /**
     * Applies the mutations with as few commands as possible. Does not throw for anything that the server does.
     *
     * @param mutations at most one per email
     * @param claim is checked before commands that change the server's state
     * @throws HeldClaim.LostException if another process has taken the mutations over
     */
    Answers apply(List<FoldedMutation> mutations, ServerSnapshot snapshot, HeldClaim claim);

    /**
     * Creates, renames, moves or destroys a mailbox.
     *
     * @throws org.postbus.mail.ServerException if the server cannot be used for now
     * @throws HeldClaim.LostException as above
     */
    Answer apply(MailboxMutation mutation, ServerSnapshot snapshot, HeldClaim claim);

    /** Whether the connection can still be used. */
    boolean isOpen();

    /** Closes the connection, if there is one. */
    void close();

    /** The result of one mutation. */
    sealed interface Answer {
        /** The server has shown that its state is now as requested. */
        record Done() implements Answer {}

        /** The server has no such message where the database says that it is: another client has moved or destroyed it. */
        record Missing(String text) implements Answer {
            public Missing {
                Objects.requireNonNull(text);
            }
        }

        record Failed(ServerFailure failure) implements Answer {
            public Failed {
                Objects.requireNonNull(failure);
            }
        }

        Answer DONE = new Done();
        Answer MISSING = new Missing("the email is no longer where it was: another client has moved or destroyed it");
    }

    /**
     * @param byEmail what the server answered
     * @param lost why the server cannot be used for now; empty if it can. Emails without an answer were not asked for
     * @param changing whether a command was sent that may have changed the server's state
     */
    record Answers(Map<EmailId, Answer> byEmail, Optional<ServerFailure> lost, boolean changing) {
        public Answers {
            byEmail = Map.copyOf(byEmail);
            Objects.requireNonNull(lost);
        }
    }
}
