package org.postbus.mail.imap.grammar;

/** How UID STORE changes flags. There is no mode that replaces all flags: it would undo concurrent changes. */
public enum StoreMode {
    ADD,
    REMOVE
}
