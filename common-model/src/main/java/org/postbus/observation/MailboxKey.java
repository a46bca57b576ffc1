package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * How a server names one mailbox, unique within the account: {@code id:} and the JMAP id or OBJECTID MAILBOXID
 * (RFC 8474), both of which survive a rename; else {@code name:} and the raw IMAP name, exactly as the server sent it.
 */
public record MailboxKey(String value) implements Comparable<MailboxKey> {
    public static final int LENGTH_MAX = 4096;

    public MailboxKey {
        if (!(value.startsWith("id:") || value.startsWith("name:")) || value.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("not a mailbox key: " + value);
        }
    }

    @JsonCreator
    public static MailboxKey of(String value) {
        return new MailboxKey(value);
    }

    public static MailboxKey ofId(String serverId) {
        return new MailboxKey("id:" + serverId);
    }

    public static MailboxKey ofRawName(String rawName) {
        return new MailboxKey("name:" + rawName);
    }

    /** The JMAP id or MAILBOXID. */
    public String serverId() {
        if (!value.startsWith("id:")) {
            throw new IllegalStateException("not the key of a mailbox with an id: " + value);
        }
        return value.substring(3);
    }

    @Override
    public int compareTo(MailboxKey other) {
        return value.compareTo(other.value);
    }

    @JsonValue
    @Override
    public String toString() {
        return value;
    }
}
