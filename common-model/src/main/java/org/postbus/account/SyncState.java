package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import org.postbus.codec.WireName;

/** The state of an account's sync, by the names of the API. */
public enum SyncState implements WireName {
    /** The initial sync has not ended. */
    INITIAL("initial"),
    SYNCING("syncing"),
    /** The last pass was complete. The next one starts on push, on request or at the next poll. */
    IDLE("idle"),
    /** The server failed; {@code retryAt} is the time of the next attempt. */
    BACKOFF("backoff"),
    /** The server refuses the login. There is no further attempt until the account is changed. */
    NEEDS_LOGIN("needs-login"),
    PAUSED("paused");

    private final String wireName;

    SyncState(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static SyncState of(String wireName) {
        return WireName.find(values(), wireName, "no such sync state");
    }

    @JsonValue
    @Override
    public String wireName() {
        return wireName;
    }
}
