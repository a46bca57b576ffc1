package org.postbus.mail.imap.framing;

/**
 * Decides about a literal when its length has been read and none of its octets: whether it is kept, and how long it may be.
 */
public interface LiteralRules {

    /** @param text the response so far, up to the announcement of the literal, {@code {5}} or <code>~{5}</code> */
    Rule of(byte[] text, int length);

    /** Octets of all literals of one response that are kept. */
    long responseOctetsMax();

    /**
     * @param streamed it is passed on in chunks and not kept
     * @param octetsMax a longer one is a violation
     */
    record Rule(boolean streamed, int octetsMax) {}

    /** All are kept, up to that length; together a quarter more. */
    static LiteralRules keepingAtMost(int octetsMax) {
        return new LiteralRules() {
            @Override
            public Rule of(byte[] text, int length) {
                return new Rule(false, octetsMax);
            }

            @Override
            public long responseOctetsMax() {
                return octetsMax + octetsMax / 4L;
            }
        };
    }
}
