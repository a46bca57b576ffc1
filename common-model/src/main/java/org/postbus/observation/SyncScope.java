package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The unit for which a server reports changes, and which has a cursor: one mailbox for IMAP, one data type for JMAP.
 * The value is {@code mailbox:<MailboxKey>}, {@code type:Email} or {@code type:Mailbox}.
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
