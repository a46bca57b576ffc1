package org.postbus.outbound.submission;

/** An account's Sent mailbox. Blocks; every method fails with a {@link org.postbus.mail.ServerException} only. */
public interface SentMail extends AutoCloseable {

    /** Whether the server shows that the message was sent: it is filed in Sent. */
    boolean isFiledInSent(Submission submission);

    /**
     * Files the message in Sent unless it is there. A repetition has no further effect.
     *
     * @param beforeFiling is run between the search and the command that files the copy; if it throws, nothing is filed
     */
    void copyToSent(Submission submission, Runnable beforeFiling);

    @Override
    void close();
}
