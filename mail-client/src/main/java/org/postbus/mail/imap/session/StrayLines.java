package org.postbus.mail.imap.session;

import org.postbus.mail.imap.grammar.response.ImapResponse;

/**
 * Lines that are no response. A server that announces a literal shorter than it sends, or writes something of its own into an answer, leaves a FETCH
 * open; what follows may be the text of a message, and a line such as {@code * 3 EXPUNGE} in it is none. Up to the closing parenthesis, the next
 * FETCH or the end of the command, lines are therefore only counted.
 */
final class StrayLines {
    private boolean within;
    private volatile long count;

    /** Read by any thread. */
    long count() {
        return count;
    }

    /** Whether the response is passed over. */
    boolean isStray(ImapResponse response) {
        boolean stray =
                switch (response) {
                    case ImapResponse.Fetch fetch -> {
                        within = fetch.unterminated();
                        yield false;
                    }
                    case ImapResponse.Tagged tagged -> {
                        within = false;
                        yield false;
                    }
                    case ImapResponse.Unknown(var text) -> {
                        within &= !text.endsWith(")");
                        yield true;
                    }
                    case ImapResponse.Continuation continuation -> within;
                    case ImapResponse.Status status -> within;
                    case ImapResponse.Capability capability -> within;
                    case ImapResponse.Enabled enabled -> within;
                    case ImapResponse.Listed listed -> within;
                    case ImapResponse.MailboxStatusReported reported -> within;
                    case ImapResponse.Namespace namespace -> within;
                    case ImapResponse.Flags flags -> within;
                    case ImapResponse.Exists exists -> within;
                    case ImapResponse.Recent recent -> within;
                    case ImapResponse.Expunge expunge -> within;
                    case ImapResponse.Vanished vanished -> within;
                    case ImapResponse.FetchWithoutUid fetch -> within;
                    case ImapResponse.Found found -> within;
                    case ImapResponse.Id id -> within;
                };
        if (stray) {
            count++;
        }
        return stray;
    }
}
