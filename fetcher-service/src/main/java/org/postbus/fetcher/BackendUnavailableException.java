package org.postbus.fetcher;

/** PostgreSQL or Kafka did not do it: nothing that the mail server or the account is to blame for. */
final class BackendUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    BackendUnavailableException(String what, Throwable cause) {
        super(what, cause);
    }
}
