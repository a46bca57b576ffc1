package org.postbus.mail.imap.session;

import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.command.ImapCommand;

/** What {@link ImapSession} wants done now. */
public sealed interface SessionOutput {
    record Send(byte[] octets) implements SessionOutput {}

    /** An item of the {@link ImapCommand.Streams} in progress. */
    record Deliver(Object item) implements SessionOutput {}

    /** The server has greeted: OK or PREAUTH. */
    record Greeted() implements SessionOutput {}

    /**
     * The server continues {@link ImapCommand.Authenticate}: {@link ImapSession#respond} or {@link ImapSession#cancelLogin}
     * is due.
     */
    record Challenged(String challenge) implements SessionOutput {}

    /** The command is answered; the next one may begin. */
    record Answered(ImapAnswer answer) implements SessionOutput {}

    /** The server reported a change of the mailbox or the account while no command but IDLE or NOOP was in progress. */
    record Changed() implements SessionOutput {}

    /** The server ends the conversation. */
    record Ended(ServerFailure why) implements SessionOutput {}
}
