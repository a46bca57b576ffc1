package org.postbus.outbound.submission;

import java.util.Map;

/**
 * The server that an account's messages are sent by, with its Sent mailbox. Opened for one message, and used on a virtual thread by one
 * caller. Blocks; every method fails with a {@link org.postbus.mail.ServerException} only.
 */
public interface SubmissionServer extends SentMail {

    /**
     * Sends the message.
     *
     * @param beforeTransmission is run before the first step that cannot be undone; if it throws, nothing was sent. A later failure other
     *     than {@code OutcomeUnknown} means that nothing was sent either
     */
    Accepted submit(Submission submission, Runnable beforeTransmission);

    /**
     * The server has accepted the message.
     *
     * @param refused recipients that the server did not accept, with its reply
     * @param copyMissing whether the copy in Sent is left to us
     */
    record Accepted(Map<String, String> refused, boolean copyMissing) {
        public Accepted {
            refused = Map.copyOf(refused);
        }
    }
}
