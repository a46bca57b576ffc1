package org.postbus.kit;

/**
 * PostgreSQL or Kafka did not do its part: not reachable, too slow, a deadlock, a missing privilege. The data at hand is not the cause, so
 * the work is retried for as long as the failure lasts and nothing is quarantined or rejected because of it. Whether the work took effect
 * is unknown, unless the method that throws says more.
 */
public final class InfrastructureFailureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InfrastructureFailureException(String message, Throwable cause) {
        super(message, cause);
    }
}
