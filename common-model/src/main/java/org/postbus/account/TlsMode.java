package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import org.postbus.codec.WireName;

/** How a connection is protected. */
public enum TlsMode implements WireName {
    /** TLS from the first byte (RFC 8314). */
    TLS("tls"),
    /** STARTTLS before any other command. The connection fails if the server does not offer it. */
    STARTTLS("starttls"),
    /** Plain text, for servers on this machine. */
    NONE("none");

    private final String wireName;

    TlsMode(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static TlsMode of(String wireName) {
        return WireName.find(values(), wireName, "tls must be one of tls, starttls, none");
    }

    @JsonValue
    @Override
    public String wireName() {
        return wireName;
    }
}
