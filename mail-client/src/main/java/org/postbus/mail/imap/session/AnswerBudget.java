package org.postbus.mail.imap.session;

import org.postbus.mail.imap.framing.ImapViolation;

/** How much a server may say in answer to one command: responses, and memory of those that are kept. */
final class AnswerBudget {
    private static final long RESPONSES_BY_SIZE_MAX = 1_000_000;

    private final SessionLimits limits;
    private long undelivered;
    private long delivered;
    private long keptBytes;
    /** The most messages that the mailbox has had since the command began; -1 if not known. */
    private long mostMessages = -1;
    /** The most messages that the command asks for. */
    private long askedMessages = Long.MAX_VALUE;

    AnswerBudget(SessionLimits limits) {
        this.limits = limits;
    }

    /**
     * @param messages of the selected mailbox; -1 if not known
     * @param asked messages that the command asks for
     */
    void begin(long messages, long asked) {
        askedMessages = asked;
        undelivered = 0;
        delivered = 0;
        keptBytes = 0;
        mostMessages = messages;
    }

    void messages(long messages) {
        mostMessages = Math.max(mostMessages, messages);
    }

    /** No command is sent for a while: responses are reports from now on. */
    void listen() {
        undelivered = 0;
    }

    /** What was kept belonged to another mailbox and has been dropped. */
    void dropKept() {
        keptBytes = 0;
    }

    /** A command on many messages, or another client's, may be answered with some responses for each. */
    private long undeliveredMax() {
        return limits.responsesMax() + Math.min(4 * Math.max(0, mostMessages), RESPONSES_BY_SIZE_MAX);
    }

    /** A message may be reported more than once, and messages arrive meanwhile, but their number is limited. */
    private long deliveredMax() {
        long ofMailbox = mostMessages < 0 ? limits.responsesMax() : 1000 + 4 * mostMessages;
        return askedMessages > ofMailbox ? ofMailbox : Math.min(ofMailbox, 10 + 4 * askedMessages);
    }

    void countUndelivered() {
        undelivered++;
        if (undelivered > undeliveredMax()) {
            throw ImapViolation.ofLimit("more than " + undeliveredMax() + " responses to one command");
        }
    }

    void countDelivered() {
        delivered++;
        if (delivered > deliveredMax()) {
            throw ImapViolation.ofLimit("more than " + deliveredMax() + " messages in answer to one command");
        }
    }

    /** Memory of what is kept now. */
    long keptBytes() {
        return keptBytes;
    }

    /** The command is answered: nothing is kept any more. */
    void end() {
        keptBytes = 0;
    }

    void countKept(long bytes) {
        keptBytes += bytes;
        if (keptBytes > limits.answerBytesMax()) {
            throw ImapViolation.ofLimit("an answer of more than " + limits.answerBytesMax() + " bytes of memory");
        }
    }
}
