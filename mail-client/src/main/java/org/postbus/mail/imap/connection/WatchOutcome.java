package org.postbus.mail.imap.connection;

/** Why {@link ImapConnection#watch} ended. */
public enum WatchOutcome {
    /**
     * The server reported something: see {@link ImapConnection#takeChanges()} and {@link
     * ImapConnection#takeAccountChanges()}.
     */
    CHANGED,
    /** Nothing was reported in the time given, or the server ended it. */
    TIME_UP
}
