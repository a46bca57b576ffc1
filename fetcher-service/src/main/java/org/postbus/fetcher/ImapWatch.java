package org.postbus.fetcher;

import io.smallrye.mutiny.subscription.Cancellable;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.postbus.event.PushKind;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.AccountChange;
import org.postbus.mail.imap.ImapConnection;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.imap.SelectedMailbox;
import org.postbus.mail.imap.WatchOutcome;
import org.postbus.model.AccountId;

/**
 * What the connection of an account does between passes: it waits for news, of all mailboxes where the server has NOTIFY, else of one
 * (the inbox, on Gmail All Mail) with IDLE, and wakes the loop. What is said only tells that, and where, to look: the pass finds out
 * what happened.
 *
 * <p>Nothing that happens is left out: NOTIFY is in force before a pass lists the mailboxes, and what SELECT says of the mailbox for
 * IDLE is compared with what the pass knew. When the connection breaks the loop is woken too, and connects anew.
 */
final class ImapWatch {
    /** Networks forget a quiet connection after some minutes, RFC 2177 says 29; drawn evenly, so that not all stir at once. */
    private static final Duration QUIET_MIN = Duration.ofMinutes(4);

    private static final Duration QUIET_MAX = Duration.ofMinutes(9);
    private static final Duration ANSWER_MAX = Duration.ofMinutes(1);
    private static final Logger LOG = Logger.getLogger(ImapWatch.class);

    /** In {@link #takeStirred}; no mailbox has an empty name. */
    static final String EVERY_MAILBOX = "";

    private final AccountId account;
    private final Surroundings around;
    private final ImapConnection connection;
    private boolean notifyRefused;
    // From here on guarded by this: the loop and the event loop share it.
    private WakeSignal wakes;
    private Cancellable waiting;
    private boolean ended = true;
    private boolean broken;

    ImapWatch(AccountId account, Surroundings around, ImapConnection connection) {
        this.account = account;
        this.around = around;
        this.connection = connection;
    }

    /** Whether the server offers anything to wait by. */
    static boolean isPossible(ImapConnection connection) {
        return connection.capabilities().has("NOTIFY")
                || connection.capabilities().has("IDLE");
    }

    /** Whether waiting is in one mailbox. */
    static boolean isByIdle(ImapConnection connection) {
        return !connection.notifying() && connection.capabilities().has("IDLE");
    }

    /**
     * Lets the server announce, where it can, what happens from now on. It may have given up since it was asked last (RFC 5465
     * section 5.8).
     *
     * @return whether it did not until now
     */
    boolean announceAll() throws InterruptedException {
        if (notifyRefused || connection.notifying()) {
            return false;
        }
        notifyRefused = !Await.server(connection.notifyPersonal(), ANSWER_MAX);
        return !notifyRefused;
    }

    /**
     * Begins to wait.
     *
     * @param idleOn the mailbox that tells most
     * @param isNews whether the last pass did not know what a mailbox turns out to be
     * @return what is waited by; {@code POLL} if by nothing
     */
    PushKind begin(MailboxName idleOn, Predicate<SelectedMailbox> isNews, WakeSignal wakes)
            throws InterruptedException {
        if (connection.notifying()) {
            if (connection.selectedName().isPresent()) {
                Await.server(connection.unselect(), ANSWER_MAX);
            }
        } else if (!isByIdle(connection) || !open(idleOn, isNews, wakes)) {
            return PushKind.POLL;
        }
        listen(wakes);
        return connection.notifying() ? PushKind.NOTIFY : PushKind.IDLE;
    }

    private boolean open(MailboxName idleOn, Predicate<SelectedMailbox> isNews, WakeSignal wakes)
            throws InterruptedException {
        if (connection.selectedName().equals(Optional.of(idleOn))) {
            return true;
        }
        try {
            SelectedMailbox selected = Await.server(connection.select(idleOn, true), ANSWER_MAX);
            if (isNews.test(selected)) {
                wakes.wake(WakeKind.PUSH);
            }
            return true;
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            return false;
        }
    }

    private synchronized void listen(WakeSignal wakes) {
        this.wakes = wakes;
        ended = false;
        listen();
    }

    private void listen() {
        Duration quiet = QUIET_MIN.plusMillis(
                (long) (QUIET_MAX.minus(QUIET_MIN).toMillis() * around.random().nextDouble()));
        waiting = connection.watch(quiet).subscribe().with(this::heard, this::broke);
    }

    private synchronized void heard(WatchOutcome outcome) {
        if (ended) {
            return;
        }
        switch (outcome) {
            case CHANGED -> wakes.wake(WakeKind.PUSH);
            case TIME_UP -> listen();
        }
    }

    private synchronized void broke(Throwable failure) {
        if (ended) {
            return;
        }
        broken = true;
        LOG.debugf("account %s: waiting broke: %s", account, failure.getMessage());
        wakes.wake(WakeKind.TIMER);
    }

    /** Ends the waiting: the connection is wanted, or closed. */
    synchronized void end() {
        ended = true;
        if (waiting != null) {
            waiting.cancel();
            waiting = null;
        }
    }

    /** Whether it ended by itself: the connection is of no use. */
    synchronized boolean isBroken() {
        return broken;
    }

    /** The raw names of mailboxes of which the connection has said something since the last call. */
    Set<String> takeStirred() {
        Set<String> names = new HashSet<>();
        if (!connection.takeChanges().isEmpty()) {
            connection.selectedName().ifPresent(name -> names.add(name.raw()));
        }
        for (AccountChange change : connection.takeAccountChanges()) {
            switch (change) {
                case AccountChange.Stirred(MailboxName name, var status) -> names.add(name.raw());
                case AccountChange.Listed listed ->
                    names.add(listed.mailbox().name().raw());
                case AccountChange.TooMany tooMany -> names.add(EVERY_MAILBOX);
            }
        }
        return names;
    }
}
