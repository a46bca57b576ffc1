package org.postbus.account;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;

/** How a connection is protected. */
public enum TlsMode {
    /** TLS from the first byte (RFC 8314). */
    TLS("tls"),
    /** Upgraded by STARTTLS before anything else is said; fails if the server does not offer it. */
    STARTTLS("starttls"),
    /** Plain text: for servers on this machine. */
    NONE("none");

    private final String wireName;

    TlsMode(String wireName) {
        this.wireName = wireName;
    }

    @JsonCreator
    public static TlsMode of(String wireName) {
        return Arrays.stream(values())
                .filter(mode -> mode.wireName.equals(wireName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("tls must be one of tls, starttls, none: " + wireName));
    }

    @JsonValue
    public String wireName() {
        return wireName;
    }
}
