package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;

/**
 * The server's own id of a thread, unique in the account. In JSON it is one string, a prefix and the id. Postbus only compares it: our
 * threads have ids of their own.
 */
public record ThreadIdentity(String value) {
    public ThreadIdentity {
        Objects.requireNonNull(value);
    }

    @JsonCreator
    public static ThreadIdentity of(String value) {
        return new ThreadIdentity(value);
    }

    /** The JMAP Thread id (RFC 8621 section 3). */
    public static ThreadIdentity ofJmap(String id) {
        return new ThreadIdentity("jmap:" + id);
    }

    /** IMAP OBJECTID: THREADID (RFC 8474 section 5.2). */
    public static ThreadIdentity ofObjectId(String id) {
        return new ThreadIdentity("threadid:" + id);
    }

    /** Gmail over IMAP: X-GM-THRID, in decimal. */
    public static ThreadIdentity ofGmail(String id) {
        return new ThreadIdentity("gm:" + id);
    }

    @JsonValue
    @Override
    public String toString() {
        return value;
    }
}
