package org.postbus.mail.imap.session;

import org.postbus.mail.imap.grammar.MailboxName;

/** Where a session is (RFC 9051 section 3). IDLE is a command in progress, not a state. */
public sealed interface ImapSessionState {

    /** Connected; the server has not spoken yet. */
    record Greeting() implements ImapSessionState {}

    record NotAuthenticated() implements ImapSessionState {}

    record Authenticated() implements ImapSessionState {}

    record Selected(MailboxName name, boolean readOnly) implements ImapSessionState {}

    /** Ended, by whomever. */
    record Logout() implements ImapSessionState {}
}
