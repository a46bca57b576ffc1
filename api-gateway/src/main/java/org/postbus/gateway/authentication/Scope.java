package org.postbus.gateway.authentication;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import org.postbus.codec.WireName;

/** What a key allows within its tenant. */
public enum Scope implements WireName {
    /** Reading accounts, mail and changes, and downloading content. */
    READ("read"),
    /** Changing mail: keywords, mailboxes, deletion. */
    MUTATE("mutate"),
    /** Sending messages. */
    SEND("send"),
    /** Adding, changing and deleting mail accounts and their credentials. */
    ACCOUNTS("accounts"),
    /** The tenant's keys and its audit log. */
    ADMIN("admin");

    private final String wireName;

    Scope(String wireName) {
        this.wireName = wireName;
    }

    /** @throws IllegalArgumentException if there is no such scope */
    @JsonCreator
    public static Scope of(String wireName) {
        return WireName.find(values(), wireName, "no such scope");
    }

    @JsonValue
    @Override
    public String wireName() {
        return wireName;
    }
}
