package org.postbus.outbound.submission;

/** An account's mailbox for sent mail. Used as a {@link SubmissionServer} is, and fails as it does. */
public interface SentMail extends AutoCloseable {

    /** Whether the server shows that it was sent: the message lies in the mailbox for sent mail. */
    boolean isFiledInSent(Submission submission);

    /** Puts the message into the mailbox for sent mail, unless it is there. Doing it twice is doing it once. */
    void copyToSent(Submission submission);

    @Override
    void close();
}
