package org.postbus.observation;

import java.time.Instant;
import java.util.Objects;

/**
 * How often reading one message has failed. Until it is quarantined it is deferred: nothing is concluded from the failures, and it is tried again
 * within minutes. What is quarantined is tried again within hours.
 *
 * @param quarantined whether the message itself is held to be the cause
 * @param refusals how often the server refused this message alone while it returned others; at least 0
 * @param retries how often it was tried again while it was quarantined; at least 0
 * @param firstAt the first failure
 * @param lastAt the last failure
 * @param nextTryAt when it is tried again at the latest
 */
public record ReadFailures(
        boolean quarantined, int refusals, int retries, Instant firstAt, Instant lastAt, Instant nextTryAt) {
    public ReadFailures {
        Objects.requireNonNull(firstAt);
        Objects.requireNonNull(lastAt);
        Objects.requireNonNull(nextTryAt);
        if (refusals < 0 || retries < 0) {
            throw new IllegalArgumentException("refusals " + refusals + ", retries " + retries);
        }
    }
}
