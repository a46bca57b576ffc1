package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;

/** What wakes an account's loop when the server has news. */
public enum PushKind {
    NOTIFY("notify"),
    IDLE("idle"),
    EVENT_SOURCE("event-source"),
    WEBSOCKET("websocket"),
    POLL("poll");

    private final String wireName;

    PushKind(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static PushKind of(String wireName) {
        return Arrays.stream(values())
                .filter(kind -> kind.wireName.equals(wireName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such kind of push: " + wireName));
    }

    @JsonValue
    public String wireName() {
        return wireName;
    }
}
