package org.postbus.kit.sql;

/** What a failure of the SQL client, of the pool or of Hibernate Reactive means for whoever asked. All services classify by this. */
public sealed interface DatabaseFailure {
    /**
     * The database can not be used now, for whatever was asked: it can not be reached, does not answer in time, starts or stops, refuses the login,
     * is read-only because another server has taken over, lacks resources, or the pool has no connection to give.
     */
    record Unavailable() implements DatabaseFailure {}

    /** Another transaction was in the way: a deadlock, a lock that did not become free, a serialization failure. The same may succeed now. */
    record Contended() implements DatabaseFailure {}

    /** PostgreSQL can not hold the data, now or later. */
    record Unstorable() implements DatabaseFailure {}

    /** Everything else: a wrong statement, a missing privilege, or no failure of the database at all. */
    record Unexpected() implements DatabaseFailure {}

    /** By the first of the failure and its causes that says something. */
    static DatabaseFailure of(Throwable failure) {
        return FailureClasses.of(failure);
    }
}
