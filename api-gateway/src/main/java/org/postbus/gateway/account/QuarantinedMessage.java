package org.postbus.gateway.account;

import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.postbus.codec.WireName;
import org.postbus.model.MailboxId;

/**
 * A message that exists on the server and could not be read. The other messages of its mailbox are synced.
 *
 * @param mailboxId IMAP: the mailbox of its location, with {@code uidValidity} and {@code uid}
 * @param jmapId JMAP: its id on the server
 * @param at since it has this state
 * @param refusals how often the server refused this message alone, while it returned others
 * @param lastTryAt the last time that reading it failed
 * @param nextTryAt when it is tried again at the latest
 */
record QuarantinedMessage(
        UUID id,
        Optional<MailboxId> mailboxId,
        Optional<Long> uidValidity,
        Optional<Long> uid,
        Optional<String> jmapId,
        State state,
        String reason,
        Instant at,
        int refusals,
        Instant lastTryAt,
        Instant nextTryAt) {
    QuarantinedMessage {
        Objects.requireNonNull(id);
        Objects.requireNonNull(mailboxId);
        Objects.requireNonNull(uidValidity);
        Objects.requireNonNull(uid);
        Objects.requireNonNull(jmapId);
        Objects.requireNonNull(state);
        Objects.requireNonNull(reason);
        Objects.requireNonNull(at);
        Objects.requireNonNull(lastTryAt);
        Objects.requireNonNull(nextTryAt);
    }

    /** Deferred: tried again within minutes. Quarantined, after repeated refusals: within hours. */
    enum State implements WireName {
        DEFERRED("deferred"),
        QUARANTINED("quarantined");

        private final String wireName;

        State(String wireName) {
            this.wireName = wireName;
        }

        @JsonValue
        @Override
        public String wireName() {
            return wireName;
        }

        static State of(String wireName) {
            return WireName.find(values(), wireName, "state");
        }
    }
}
