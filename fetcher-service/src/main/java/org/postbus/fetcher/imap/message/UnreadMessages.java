package org.postbus.fetcher.imap.message;

import org.jboss.logging.Logger;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.source.QuarantinePolicy;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.mail.ServerException;
import org.postbus.mail.Text;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.ReadFailures;

/** Notes the messages that could not be read, and makes the observations that store them. Used by the account's loop and by parsing threads. */
final class UnreadMessages {
    private static final Logger LOG = Logger.getLogger(UnreadMessages.class);

    private final ImapPassContext pass;

    UnreadMessages(ImapPassContext pass) {
        this.pass = pass;
    }

    /**
     * @param mailbox with a cursor
     * @throws ServerException {@link QuarantinePolicy#tooMany}
     */
    MessageNotRead failed(ImapMailbox mailbox, long uid, Cause cause, String reason) {
        if (mailbox.notRead().of(uid).isEmpty() && pass.deferrable().decrementAndGet() < 0) {
            throw QuarantinePolicy.tooMany();
        }
        ReadFailures failures = QuarantinePolicy.failed(mailbox.notRead().of(uid), cause, pass.now());
        mailbox.notRead().put(uid, failures);
        LOG.infof(
                "account %s: a message is %s: %s",
                pass.account(), failures.quarantined() ? "quarantined" : "deferred", reason);
        return MessageNotRead.imap(
                mailbox.key(),
                mailbox.cursor().orElseThrow().uidValidity(),
                uid,
                Text.cut(reason, MessageNotRead.REASON_LENGTH_MAX),
                failures);
    }

    /** Our own code fails on a message that the server returned. */
    MessageNotRead ownError(ImapMailbox mailbox, long uid, RuntimeException bug) {
        LOG.errorf(bug, "account %s: a message cannot be read", pass.account());
        return failed(
                mailbox,
                uid,
                new Cause.OwnError(),
                "Postbus could not read it: " + bug.getClass().getSimpleName());
    }
}
