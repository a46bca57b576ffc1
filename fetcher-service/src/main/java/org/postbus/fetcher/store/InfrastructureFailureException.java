package org.postbus.fetcher.store;

/** PostgreSQL or Kafka did not do it: nothing that the mail server or the account is to blame for. */
public final class InfrastructureFailureException extends RuntimeException {
    private static final long serialVersionUID = 1;

    InfrastructureFailureException(String what, Throwable cause) {
        super(what, cause);
    }
}
