package org.postbus.bench.fairness;

/** What happens while a message arrives. */
enum Phase {
    WARM_UP("nothing else, at first"),
    QUIET("nothing else"),
    QUIET_RESTART("the fetcher is killed and started, without the other tenant"),
    ADDING("the other tenant's accounts are added"),
    SYNCED("the other tenant's accounts are idle"),
    RESTART("the fetcher is killed and started, with the other tenant");

    private final String title;

    Phase(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }
}
