package org.postbus.mail.imap.session;

/**
 * What a session accepts in answer to one command. A server that exceeds a limit is disconnected.
 *
 * @param literalOctetsMax of one literal outside of a FETCH, such as a mailbox name
 * @param fetchedLiteralOctetsMax of the content of one message that is read whole, whatever was asked for
 * @param streamedLiteralOctetsMax of content that is passed on in chunks, if no limit was asked for
 * @param responsesMax responses that are not passed on to a reader, besides some for each message of the mailbox
 * @param answerBytesMax of memory that those take together that are kept until the command is answered
 */
public record SessionLimits(
        int literalOctetsMax,
        int fetchedLiteralOctetsMax,
        int streamedLiteralOctetsMax,
        int responsesMax,
        int answerBytesMax) {}
