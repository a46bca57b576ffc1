package org.postbus.gateway.authentication;

import java.util.UUID;
import java.util.regex.Pattern;

/** The header {@code X-Request-Id}: the client's value if it is harmless in logs, otherwise a fresh one. */
final class RequestId {
    static final String HEADER = "X-Request-Id";
    private static final Pattern HARMLESS = Pattern.compile("[A-Za-z0-9._:+/=-]{1,128}");

    private RequestId() {}

    /** @param header null if there is none */
    static String of(String header) {
        return header != null && HARMLESS.matcher(header).matches()
                ? header
                : UUID.randomUUID().toString();
    }
}
