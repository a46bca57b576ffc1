package org.postbus.devstack.postgres;

/** The database role of one service. A migration creates it; the operator sets its password. */
public enum Role {
    FETCHER("postbus_fetcher"),
    WRITER("postbus_writer"),
    OUTBOUND("postbus_outbound"),
    GATEWAY("postbus_gateway");

    private final String user;

    Role(String user) {
        this.user = user;
    }

    public String user() {
        return user;
    }
}
