package org.postbus.bench.latency;

/** A way on which a message gets into a mailbox. */
enum ArrivalPath {
    APPEND("APPEND to INBOX", "INBOX"),
    DELIVERY("delivered to INBOX", "INBOX"),
    OTHER_MAILBOX("APPEND to Projects", "Projects");

    private final String title;
    private final String mailbox;

    ArrivalPath(String title, String mailbox) {
        this.title = title;
        this.mailbox = mailbox;
    }

    String title() {
        return title;
    }

    String mailbox() {
        return mailbox;
    }
}
