package org.postbus.mail.imap.session;

/**
 * What a session accepts in answer to one command. A server that exceeds a limit is disconnected.
 *
 * @param literalOctetsMax of one literal outside of a FETCH, such as a mailbox name
 * @param fetchedLiteralOctetsMax of one literal of a fetched message
 * @param responsesMax responses that are not passed on to a reader, besides some for each message of the mailbox
 * @param answerOctetsMax of those together that are kept until the command is answered
 */
public record SessionLimits(int literalOctetsMax, int fetchedLiteralOctetsMax, int responsesMax, int answerOctetsMax) {}
