package org.postbus.mail.jmap.push;

import java.util.Map;

/** What an event source or a WebSocket says. It only ever means: look now. */
public sealed interface JmapPush {
    /** The code of the {@link org.postbus.mail.ServerFailure.Rejected} that says: this server does not push so. */
    String NOT_OFFERED = "push-not-offered";

    /** The connection stands. Changes before this moment were not announced: ask for them. */
    record Opened() implements JmapPush {}

    /**
     * Something changed, perhaps by us (RFC 8620 section 7.1).
     *
     * @param changed account id to type name ({@code Email}, {@code Mailbox}, …) to new state
     */
    record StateChange(Map<String, Map<String, String>> changed) implements JmapPush {
        public StateChange {
            changed = Map.copyOf(changed);
        }
    }
}
