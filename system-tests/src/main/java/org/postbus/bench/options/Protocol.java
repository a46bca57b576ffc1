package org.postbus.bench.options;

/** The protocol of an account. */
public enum Protocol {
    IMAP,
    JMAP
}
