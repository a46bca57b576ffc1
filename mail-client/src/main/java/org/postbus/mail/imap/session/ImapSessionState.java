package org.postbus.mail.imap.session;

import org.postbus.mail.imap.grammar.MailboxName;

/** The state of a session (RFC 9051 section 3). IDLE is a command in progress, not a state. */
public sealed interface ImapSessionState {

    /** Connected; the server has not sent its greeting. */
    record Greeting() implements ImapSessionState {}

    record NotAuthenticated() implements ImapSessionState {}

    record Authenticated() implements ImapSessionState {}

    record Selected(MailboxName name, boolean readOnly) implements ImapSessionState {}

    /** Ended, by either side. */
    record Logout() implements ImapSessionState {}
}
