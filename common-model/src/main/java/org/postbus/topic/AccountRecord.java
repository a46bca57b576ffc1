package org.postbus.topic;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Objects;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#ACCOUNTS}, compacted by account id: that there is such an account and whether it is to be
 * synchronised. Never a secret. A deleted account is a tombstone.
 *
 * @param revision rises with every change of the account; a fetcher then drops its connections and reads the account anew
 * @param wake rises to say "look now"
 */
public record AccountRecord(
        TenantId tenantId, AccountId accountId, Protocol protocol, Status status, long revision, long wake) {

    public AccountRecord {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(protocol);
        Objects.requireNonNull(status);
    }

    public enum Protocol {
        IMAP("imap"),
        JMAP("jmap");

        private final String wireName;

        Protocol(String wireName) {
            this.wireName = wireName;
        }

        @JsonCreator
        public static Protocol of(String wireName) {
            return Arrays.stream(values())
                    .filter(protocol -> protocol.wireName.equals(wireName))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no such protocol: " + wireName));
        }

        @JsonValue
        public String wireName() {
            return wireName;
        }
    }

    public enum Status {
        ACTIVE("active"),
        PAUSED("paused");

        private final String wireName;

        Status(String wireName) {
            this.wireName = wireName;
        }

        @JsonCreator
        public static Status of(String wireName) {
            return Arrays.stream(values())
                    .filter(status -> status.wireName.equals(wireName))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no such account status: " + wireName));
        }

        @JsonValue
        public String wireName() {
            return wireName;
        }
    }
}
