package org.postbus.mail.egress;

/**
 * Why the policy refuses a connection. The texts are shown to tenants. Each is the same whichever private address it was and whether the
 * name exists, so that refusals do not describe the network.
 */
public enum EgressRefusal {
    HOST("the host is neither a host name nor an IP address in its usual form"),
    ADDRESS("the host is not on the public Internet; name a public one, or ask the operator to allow its network"),
    PORT(
            "connections to this port are not allowed; use a port for mail over TLS, or ask the operator to allow this one"),
    PLAIN_TEXT("connections without TLS are not allowed; choose TLS, or ask the operator to allow plain text"),
    PLAIN_TEXT_TO_PUBLIC("connections without TLS are only allowed to private networks; choose TLS");

    private final String text;

    EgressRefusal(String text) {
        this.text = text;
    }

    /** A sentence that says what to do. */
    public String text() {
        return text;
    }
}
