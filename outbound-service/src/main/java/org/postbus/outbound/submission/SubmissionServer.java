package org.postbus.outbound.submission;

import java.util.Map;

/**
 * One account's server as something that takes messages and keeps those that were sent. Blocks: it is used on a virtual thread, by
 * one at a time, for one message. Every method fails with a {@link org.postbus.mail.ServerException} and nothing else.
 */
public interface SubmissionServer extends SentMail {

    /**
     * Hands the message over.
     *
     * @param handingOver is run before the first step that can not be taken back; if it throws, nothing was sent. A failure
     *     after it that is not {@code OutcomeUnknown} means that nothing was sent either
     */
    Taken submit(Submission submission, Runnable handingOver);

    /**
     * The server has taken the message.
     *
     * @param refused recipients that it was not taken for, with the server's reply
     * @param copyMissing whether the server leaves it to us to keep a copy
     */
    record Taken(Map<String, String> refused, boolean copyMissing) {
        public Taken {
            refused = Map.copyOf(refused);
        }
    }
}
