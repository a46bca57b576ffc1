package org.postbus.bench.flush;

import java.util.List;

/**
 * The measurements on one server.
 *
 * @param server with the protocol, for the tables
 */
record FlushResult(String server, List<Run> runs, Single single) {
    /**
     * Many mutations at once. Times are in seconds.
     *
     * @param floor of a raw client that makes the same changes
     * @param accepted until the API has responded to all requests
     * @param confirmed from its last response until every mutation is confirmed
     */
    record Run(double floor, double accepted, double confirmed) {
        double timesTheFloor() {
            return confirmed / floor;
        }
    }

    /**
     * Single changes of the same emails, one entry for each, in milliseconds.
     *
     * @param mutation from the PATCH until another client reads the change from the server
     * @param floor the same for a raw client's command
     * @param responded until the response to the raw client's command
     */
    record Single(double[] mutation, double[] floor, double[] responded) {}
}
