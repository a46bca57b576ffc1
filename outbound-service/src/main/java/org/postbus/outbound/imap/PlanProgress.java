package org.postbus.outbound.imap;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postbus.mail.ServerFailure;
import org.postbus.model.EmailId;
import org.postbus.outbound.imap.plan.ImapPlan;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer.Answer;

/** The answers that a plan's execution has yielded so far, by email. */
final class PlanProgress {
    private final Map<EmailId, FoldedMutation> mutations = new HashMap<>();
    private final Map<EmailId, Answer> answers;
    /** Whether a command was sent that may have changed the server's state. */
    private boolean changing;
    /** How many of the plan's actions are still to come, by email. */
    private final Map<EmailId, Integer> actionsLeft = new HashMap<>();
    /** Emails of which at least one message was found. */
    private final Set<EmailId> found = new HashSet<>();
    /** Emails that are only removed from mailboxes: where one is missing, nothing is left to do. */
    private final Set<EmailId> onlyRemoved = new HashSet<>();

    PlanProgress(List<FoldedMutation> mutations, ImapPlan plan) {
        mutations.forEach(mutation -> this.mutations.put(mutation.emailId(), mutation));
        answers = new HashMap<>(plan.settled());
        for (MailboxWork work : plan.work()) {
            onlyRemoved.addAll(work.uids().values());
        }
        for (MailboxWork work : plan.work()) {
            for (Action action : work.actions()) {
                boolean removes = action instanceof Action.MarkDeleted
                        || action instanceof Action.Expunge
                        || action instanceof Action.MoveAndDestroy;
                for (long uid : action.uids()) {
                    EmailId email = work.uids().get(uid);
                    actionsLeft.merge(email, 1, Integer::sum);
                    if (!removes) {
                        onlyRemoved.remove(email);
                    }
                }
            }
        }
    }

    boolean isUnanswered(EmailId email) {
        return !answers.containsKey(email);
    }

    boolean triedBefore(EmailId email) {
        return mutations.get(email).triedBefore();
    }

    void found(EmailId email) {
        found.add(email);
    }

    void changing() {
        changing = true;
    }

    boolean isChanging() {
        return changing;
    }

    /** One action has been executed for the email; after its last one it is answered. */
    void executed(EmailId email) {
        if (actionsLeft.merge(email, -1, Integer::sum) == 0 && isUnanswered(email)) {
            answers.put(email, found.contains(email) || isRemoved(email) ? Answer.DONE : Answer.MISSING);
        }
    }

    /** The first failure of an email is its answer. */
    void fail(EmailId email, ServerFailure failure) {
        answers.putIfAbsent(email, new Answer.Failed(failure));
    }

    void missing(EmailId email) {
        answers.putIfAbsent(email, Answer.MISSING);
    }

    Map<EmailId, Answer> answers() {
        return answers;
    }

    /** A message to be removed that is missing was removed by the attempt whose outcome is unknown, if there was one. */
    private boolean isRemoved(EmailId email) {
        return onlyRemoved.contains(email) && mutations.get(email).interruptedBefore();
    }
}
