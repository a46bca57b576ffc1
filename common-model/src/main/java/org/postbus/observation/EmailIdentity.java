package org.postbus.observation;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Objects;

/**
 * The server's own id of an email: unique in the account, the same in every mailbox, and never given to another email. In JSON and in the
 * column {@code email.identity} it is one string, the prefix and the id.
 *
 * <p>Not every IMAP server has such ids. Without one an email is identified by its location, and a moved email by its fingerprint.
 */
public sealed interface EmailIdentity {

    /** The JMAP Email id (RFC 8621 section 4.1.1). */
    record Jmap(String id) implements EmailIdentity {
        public static final String PREFIX = "jmap:";

        public Jmap {
            Objects.requireNonNull(id);
        }

        @Override
        public String value() {
            return PREFIX + id;
        }

        @Override
        public String toString() {
            return value();
        }
    }

    /** IMAP OBJECTID: EMAILID (RFC 8474 section 5.1). It identifies the content, so one mailbox may list it twice. */
    record ObjectId(String id) implements EmailIdentity {
        public static final String PREFIX = "emailid:";

        public ObjectId {
            Objects.requireNonNull(id);
        }

        @Override
        public String value() {
            return PREFIX + id;
        }

        @Override
        public String toString() {
            return value();
        }
    }

    /** Gmail over IMAP: X-GM-MSGID, in decimal. */
    record Gmail(String id) implements EmailIdentity {
        public static final String PREFIX = "gm:";

        public Gmail {
            Objects.requireNonNull(id);
        }

        @Override
        public String value() {
            return PREFIX + id;
        }

        @Override
        public String toString() {
            return value();
        }
    }

    /** The id without the prefix, as the server says it. */
    String id();

    /** The string that is stored and sent. */
    @JsonValue
    String value();

    /** @throws IllegalArgumentException if {@code value} has none of the prefixes */
    @JsonCreator
    static EmailIdentity of(String value) {
        if (value.startsWith(Jmap.PREFIX)) {
            return new Jmap(value.substring(Jmap.PREFIX.length()));
        }
        if (value.startsWith(ObjectId.PREFIX)) {
            return new ObjectId(value.substring(ObjectId.PREFIX.length()));
        }
        if (value.startsWith(Gmail.PREFIX)) {
            return new Gmail(value.substring(Gmail.PREFIX.length()));
        }
        throw new IllegalArgumentException("not an email identity: " + value);
    }
}
