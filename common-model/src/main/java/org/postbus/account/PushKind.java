package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import org.postbus.codec.WireName;

/** How an account's loop learns that the server has changes. */
public enum PushKind implements WireName {
    /** IMAP NOTIFY (RFC 5465). */
    NOTIFY("notify"),
    /** IMAP IDLE (RFC 2177). */
    IDLE("idle"),
    /** JMAP EventSource (RFC 8620 section 7.3). */
    EVENT_SOURCE("event-source"),
    /** JMAP over WebSocket (RFC 8887). */
    WEBSOCKET("websocket"),
    /** No push: polling only. */
    POLL("poll");

    private final String wireName;

    PushKind(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static PushKind of(String wireName) {
        return WireName.find(values(), wireName, "no such kind of push");
    }

    @JsonValue
    @Override
    public String wireName() {
        return wireName;
    }
}
