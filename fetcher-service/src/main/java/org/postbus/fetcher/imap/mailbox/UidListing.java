package org.postbus.fetcher.imap.mailbox;

import java.util.ArrayDeque;
import org.jboss.logging.Logger;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.AccountId;

/**
 * All UIDs of the selected mailbox. A server may end its SEARCH at some number of results without saying so; only EXISTS shows it. Then the UIDs
 * are searched for in windows, which are halved as long as one has as many results as the server seems to allow.
 */
public final class UidListing {
    /** As {@code Searches}: of one command. */
    private static final long PAGE_MESSAGES = 45_000;
    /** SEARCH commands for one mailbox, if its first answer is short: enough for 500,000 messages at 1,000 a time. */
    private static final int WINDOWS_MAX = 2_000;
    /** Windows in a row in which nothing new was found. */
    private static final int FRUITLESS_MAX = 64;
    /** Ranges of UIDs of one mailbox, as in {@code Searches}. */
    private static final int RANGES_MAX = 500_000;

    private static final Logger LOG = Logger.getLogger(UidListing.class);

    private final AccountId account;
    private final ImapConnection connection;

    UidListing(AccountId account, ImapConnection connection) {
        this.account = account;
        this.connection = connection;
    }

    /**
     * What the server lists. It may be less than EXISTS, if the server knows of messages that it does not list in any window.
     *
     * @param uidNextHint UIDs up to it are searched first; UIDs beyond it are found as well
     */
    UidSet read(long uidNextHint) throws InterruptedException {
        UidSet listed = UidSet.of(
                Await.of(connection.uidSearchAll(), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable));
        long messages = connection.messages();
        if (listed.size() >= messages || listed.size() < 2) {
            return listed;
        }
        long pages = (messages + PAGE_MESSAGES - 1) / PAGE_MESSAGES;
        UidSet all = inWindows(listed, messages, Math.max(2, listed.size() / pages), uidNextHint);
        LOG.infof(
                "account %s: a mailbox of %d messages listed %d of them at first, and %d in windows",
                account, messages, listed.size(), all.size());
        return all;
    }

    private UidSet inWindows(UidSet listed, long messages, long answerMax, long uidNextHint)
            throws InterruptedException {
        long hint = Math.max(Math.max(uidNextHint, 1), listed.last() + 1);
        ArrayDeque<UidSet> windows = new ArrayDeque<>();
        windows.add(UidSet.between(1, hint));
        windows.add(UidSet.between(hint, UidSet.UID_MAX + 1));
        UidSet all = listed;
        int fruitless = 0;
        for (int commands = 0; !windows.isEmpty() && commands < WINDOWS_MAX; commands++) {
            UidSet window = windows.poll();
            if (window.isEmpty()) {
                continue;
            }
            UidSet found = existing(window);
            long before = all.size();
            all = all.or(found);
            if (all.ranges().size() > RANGES_MAX) {
                throw new ServerException(new ServerFailure.LimitExceeded(
                        "the server exceeded a limit: more than " + RANGES_MAX + " ranges of UIDs in a mailbox"));
            }
            fruitless = all.size() > before ? 0 : fruitless + 1;
            if (all.size() >= messages || fruitless >= FRUITLESS_MAX) {
                break;
            }
            if (found.size() >= answerMax && window.size() > 1) {
                UidSet lower = window.lowest(window.size() / 2);
                windows.add(lower);
                windows.add(window.minus(lower));
            }
        }
        return all;
    }

    /** Those of the UIDs that the server lists. */
    UidSet existing(UidSet uids) throws InterruptedException {
        return UidSet.of(Await.of(
                connection.uidSearch(uids.ranges()), MailboxSession.COMMAND_TIME_MAX, ServerException::unreachable));
    }
}
