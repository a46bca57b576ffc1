package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;

/** What an account's sync is doing, in the words of the API. */
public enum SyncState {
    /** The first run has not ended. */
    INITIAL("initial"),
    SYNCING("syncing"),
    /** All has been seen; waiting for something to happen. */
    IDLE("idle"),
    /** The server failed us; {@code retryAt} says when it is asked again. */
    BACKOFF("backoff"),
    /** The server refuses the login; nothing is tried until the account is changed. */
    NEEDS_LOGIN("needs-login"),
    PAUSED("paused");

    private final String wireName;

    SyncState(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static SyncState of(String wireName) {
        return Arrays.stream(values())
                .filter(state -> state.wireName.equals(wireName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such sync state: " + wireName));
    }

    @JsonValue
    public String wireName() {
        return wireName;
    }
}
