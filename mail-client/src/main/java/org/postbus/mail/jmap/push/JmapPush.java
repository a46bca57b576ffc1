package org.postbus.mail.jmap.push;

import java.util.Map;

/** A notification from an event source or a WebSocket. It only says that something changed and should be asked for. */
public sealed interface JmapPush {
    /**
     * The code of the {@link org.postbus.mail.ServerFailure.Rejected} of a server that does not offer this kind of
     * push.
     */
    String NOT_OFFERED = "push-not-offered";

    /** About how many bytes of memory it takes. */
    default long bytes() {
        return switch (this) {
            case Opened opened -> 100;
            case StateChange change ->
                200
                        + change.changed().values().stream()
                                .mapToLong(states -> 300L * states.size())
                                .sum();
        };
    }

    /** The connection is open. Earlier changes were not reported: ask for them. */
    record Opened() implements JmapPush {}

    /**
     * Something changed, perhaps because of this client (RFC 8620 section 7.1).
     *
     * @param changed id of the client's account to type name ({@code Email}, {@code Mailbox}, …) to new state; other accounts
     *     are left out
     */
    record StateChange(Map<String, Map<String, String>> changed) implements JmapPush {
        public StateChange {
            changed = Map.copyOf(changed);
        }
    }
}
