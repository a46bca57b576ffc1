package org.postbus.mail.imap;

/** Why IDLE ended. */
public enum IdleOutcome {
    /** The server said something about the mailbox: see {@link ImapConnection#takeChanges()}. */
    CHANGED,
    /** Nothing was said in the time given, or the server ended it. */
    TIME_UP
}
