package org.postbus.outbound.imap;

import java.util.Collection;
import java.util.Set;
import java.util.function.Consumer;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.HeldClaim;

/** Sends the changing commands of one mailbox's work, in as many commands as are needed, and finds the message that the server refuses. */
final class Commands {
    /** A NO to a command on many messages may concern one of them: the command is halved, at most so often per action. */
    private static final int HALVINGS_MAX = 64;
    /** Response codes (RFC 5530) that concern the mailbox or the account: halving would only repeat them. */
    private static final Set<String> NOT_OF_ONE_MESSAGE =
            Set.of("OVERQUOTA", "NOPERM", "TRYCREATE", "READ-ONLY", "BAD", "UNKNOWN-CTE", "PRIVACYREQUIRED");

    private final MailboxWork work;
    private final PlanProgress progress;
    private final HeldClaim claim;

    Commands(MailboxWork work, PlanProgress progress, HeldClaim claim) {
        this.work = work;
        this.progress = progress;
        this.claim = claim;
    }

    /**
     * Sends a command that may be repeated without harm.
     *
     * @throws HeldClaim.LostException if another process may own the mutations: nothing more may be sent
     */
    void send(Collection<Long> uids, Consumer<UidSet> command) {
        send(uids, command, claim::beforeCommand);
    }

    /** Sends a command that must not run twice: the database is asked whether this process still owns the mutations. */
    void sendOnce(Collection<Long> uids, Consumer<UidSet> command) {
        send(uids, command, claim::confirm);
    }

    private void send(Collection<Long> uids, Consumer<UidSet> command, Runnable before) {
        int[] halvings = {HALVINGS_MAX};
        for (UidSet set : BlockingConnection.commands(uids)) {
            send(set, command, before, halvings);
        }
    }

    private void send(UidSet uids, Consumer<UidSet> command, Runnable before, int[] halvings) {
        before.run();
        try {
            progress.changing();
            command.accept(uids);
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected rejected) {
                if (uids.size() > 1 && halvings[0] > 0 && !NOT_OF_ONE_MESSAGE.contains(rejected.code())) {
                    halvings[0]--;
                    send(uids.lowest(uids.size() / 2), command, before, halvings);
                    send(uids.highest(uids.size() - uids.size() / 2), command, before, halvings);
                } else {
                    uids.forEach(uid -> progress.fail(work.uids().get(uid), rejected));
                }
                return;
            }
            if (e.failure() instanceof ServerFailure.OutcomeUnknown) {
                uids.forEach(uid -> progress.fail(work.uids().get(uid), e.failure()));
                throw new ServerException(
                        new ServerFailure.Unreachable(e.failure().text()), e);
            }
            throw e;
        }
    }
}
