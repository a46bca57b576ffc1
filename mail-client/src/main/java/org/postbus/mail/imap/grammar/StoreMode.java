package org.postbus.mail.imap.grammar;

/** How UID STORE changes flags. There is no replacing: it would undo what others do at the same time. */
public enum StoreMode {
    ADD,
    REMOVE
}
