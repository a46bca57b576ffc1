package org.postbus.mail.imap.grammar;

/** One item of FETCH (RFC 9051 section 6.4.5 and extensions). The UID always comes with it. */
public sealed interface FetchItem {

    record Flags() implements FetchItem {}

    record InternalDate() implements FetchItem {}

    /** RFC822.SIZE. */
    record Size() implements FetchItem {}

    /** Needs CONDSTORE (RFC 7162). */
    record ModSeq() implements FetchItem {}

    /** Needs OBJECTID (RFC 8474). */
    record EmailId() implements FetchItem {}

    /** Needs OBJECTID (RFC 8474). */
    record ThreadId() implements FetchItem {}

    /** X-GM-MSGID, X-GM-THRID and X-GM-LABELS; needs X-GM-EXT-1. */
    record Gmail() implements FetchItem {}

    /** X-GM-MSGID alone; needs X-GM-EXT-1. */
    record GmailMessageId() implements FetchItem {}

    /** BODY.PEEK[HEADER]: the raw header with the empty line that ends it. */
    record Header() implements FetchItem {}

    /**
     * BODY.PEEK[]: the raw message.
     *
     * @param octetsMax the server is disconnected if it has more
     */
    record Body(int octetsMax) implements FetchItem {
        public Body {
            if (octetsMax < 1) {
                throw new IllegalArgumentException("octets must be positive");
            }
        }
    }

    /** BODY.PEEK[]&lt;0.n&gt;: the first {@code octets} of the raw message. */
    record BodyStart(int octets) implements FetchItem {
        public BodyStart {
            if (octets < 1) {
                throw new IllegalArgumentException("octets must be positive");
            }
        }
    }

    /** BODYSTRUCTURE. */
    record BodyStructure() implements FetchItem {}
}
