package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The unit in which a server can tell what changed: one mailbox for IMAP, one data type for JMAP.
 * Written as {@code mailbox:<MailboxKey>} or {@code type:Email}, {@code type:Mailbox}.
 */
public record SyncScope(String value) {
    public static final SyncScope JMAP_EMAIL = new SyncScope("type:Email");
    public static final SyncScope JMAP_MAILBOX = new SyncScope("type:Mailbox");

    public SyncScope {
        if (!(value.startsWith("mailbox:") || value.startsWith("type:"))) {
            throw new IllegalArgumentException("not a sync scope: " + value);
        }
    }

    @JsonCreator
    public static SyncScope of(String value) {
        return new SyncScope(value);
    }

    public static SyncScope ofMailbox(MailboxKey mailbox) {
        return new SyncScope("mailbox:" + mailbox.value());
    }

    @JsonValue
    @Override
    public String toString() {
        return value;
    }
}
