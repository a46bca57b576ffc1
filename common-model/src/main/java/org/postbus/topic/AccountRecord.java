package org.postbus.topic;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;
import org.postbus.codec.WireName;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;

/**
 * One record of {@link Topics#ACCOUNTS}, which is compacted by account id: the account exists, and whether it is synced. It never holds a
 * secret. A deleted account is a tombstone.
 *
 * @param revision rises with every change of the account; a fetcher then closes its connections and reads the account again
 */
public record AccountRecord(
        TenantId tenantId, AccountId accountId, Protocol protocol, Status status, long revision) {

    public AccountRecord {
        Objects.requireNonNull(tenantId);
        Objects.requireNonNull(accountId);
        Objects.requireNonNull(protocol);
        Objects.requireNonNull(status);
    }

    public enum Protocol implements WireName {
        IMAP("imap"),
        JMAP("jmap");

        private final String wireName;

        Protocol(String wireName) {
            this.wireName = wireName;
        }

        @JsonCreator
        public static Protocol of(String wireName) {
            return WireName.find(values(), wireName, "no such protocol");
        }

        @JsonValue
        @Override
        public String wireName() {
            return wireName;
        }
    }

    public enum Status implements WireName {
        ACTIVE("active"),
        PAUSED("paused");

        private final String wireName;

        Status(String wireName) {
            this.wireName = wireName;
        }

        @JsonCreator
        public static Status of(String wireName) {
            return WireName.find(values(), wireName, "no such account status");
        }

        @JsonValue
        @Override
        public String wireName() {
            return wireName;
        }
    }
}
