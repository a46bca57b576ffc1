package org.postbus.bench.options;

/** A mail server program. */
public enum Server {
    JAMES,
    DOVECOT
}
