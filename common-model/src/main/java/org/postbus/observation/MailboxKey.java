package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The server's own id of a mailbox, unique within the account: {@code id:} and the JMAP id or the OBJECTID MAILBOXID (RFC 8474 section 4),
 * which survive a rename; otherwise {@code name:} and the raw IMAP name exactly as the server sent it.
 */
public record MailboxKey(String value) implements Comparable<MailboxKey> {
    /** In characters, with the prefix. */
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

    /**
     * The JMAP id or MAILBOXID.
     *
     * @throws IllegalStateException if the key is a name
     */
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
