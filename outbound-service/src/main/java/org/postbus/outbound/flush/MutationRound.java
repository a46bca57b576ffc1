package org.postbus.outbound.flush;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.Fold;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.MailServer.Answers;
import org.postbus.outbound.mutation.MailboxMutation;
import org.postbus.outbound.mutation.MutationOutcome;
import org.postbus.outbound.mutation.OutcomePolicy;
import org.postbus.outbound.mutation.ServerSnapshot;
import org.postbus.outbound.mutation.Tries;
import org.postbus.outbound.retry.QueueHold;
import org.postbus.outbound.table.AccountTable;
import org.postbus.outbound.table.MutationClaim;

/**
 * Applies one claim of mutations on the account's server, and turns the answers into outcomes by {@link OutcomePolicy}. Used once.
 *
 * <p>If the server refuses a folded mutation, its first mutation is sent alone, so that an invalid one does not spoil the others of the same
 * email; the others are released for the next round.
 */
final class MutationRound {
    private final MailServers servers;
    private final MutationSending sending;
    private final OutcomePolicy policy;
    private final TenantId tenant;
    private final AccountId account;
    private final Work work;
    private final double jitter;
    private final Map<MutationId, MutationOutcome> outcomes = new LinkedHashMap<>();
    private Optional<QueueHold> hold = Optional.empty();
    private boolean answered;

    /** What one transaction claimed and read. */
    record Work(MutationClaim claim, ServerSnapshot snapshot, AccountTable.Login login) {}

    /**
     * @param outcomes one for each mutation of the claim, except those that a user has discarded meanwhile
     * @param hold why the queue waits from now on, if it does
     * @param answered whether the server was asked for something and answered
     */
    record Result(Map<MutationId, MutationOutcome> outcomes, Optional<QueueHold> hold, boolean answered) {}

    MutationRound(
            MailServers servers,
            MutationSending sending,
            OutcomePolicy policy,
            TenantId tenant,
            AccountId account,
            Work work,
            double jitter) {
        this.servers = servers;
        this.sending = sending;
        this.policy = policy;
        this.tenant = tenant;
        this.account = account;
        this.work = work;
        this.jitter = jitter;
    }

    /**
     * Blocks.
     *
     * @throws HeldClaim.LostException if another process has taken the mutations over
     */
    Result run() {
        MutationClaim claim = work.claim();
        claim.unreadable()
                .forEach((id, reason) -> outcomes.put(id, new MutationOutcome.Rejected("invalidPatch", reason)));
        claim.mailboxMutation().ifPresent(this::run);
        List<EmailMutation> mutations = new ArrayList<>();
        for (EmailMutation mutation : claim.mutations()) {
            OutcomePolicy.beforeTrying(mutation.tries())
                    .ifPresentOrElse(outcome -> outcomes.put(mutation.id(), outcome), () -> mutations.add(mutation));
        }
        List<EmailMutation> refused = new ArrayList<>();
        for (FoldedMutation fold : apply(mutations)) {
            refused.add(fold.mutations().getFirst());
            fold.mutations().stream()
                    .skip(1)
                    .forEach(mutation -> outcomes.put(mutation.id(), new MutationOutcome.Released()));
        }
        if (hold.isPresent()) {
            refused.forEach(mutation -> outcomes.put(
                    mutation.id(), policy.held(mutation.tries(), hold.get().text())));
        } else {
            apply(refused);
        }
        return new Result(outcomes, hold, answered);
    }

    private void run(MailboxMutation mutation) {
        OutcomePolicy.beforeTrying(mutation.tries())
                .or(() -> apply(mutation))
                .ifPresent(outcome -> outcomes.put(mutation.id(), outcome));
    }

    /** Empty if a user has discarded it. */
    private Optional<MutationOutcome> apply(MailboxMutation mutation) {
        for (; ; ) {
            MailServers.Use use;
            try {
                use = servers.use(tenant, account, work.login());
            } catch (ServerException e) {
                return Optional.of(held(QueueHold.ofOpening(e.failure()), mutation.tries()));
            }
            try {
                if (sending.begin(List.of(mutation.id())).isEmpty()) {
                    return Optional.empty();
                }
                Answer answer = use.server().apply(mutation, work.snapshot(), sending.claim(List.of(mutation.id())));
                answered = true;
                return Optional.of(outcome(answer, mutation.tries()));
            } catch (ServerException e) {
                if (e.failure() instanceof ServerFailure.OutcomeUnknown(var text)) {
                    hold = Optional.of(QueueHold.unreachable(text));
                    return Optional.of(policy.interrupted(mutation.tries(), text, jitter));
                }
                if (!use.reused()) {
                    return Optional.of(held(QueueHold.ofOpening(e.failure()), mutation.tries()));
                }
                // The connection broke while it was idle; that is no attempt.
                use.server().close();
            } catch (InfrastructureFailureException e) {
                // Nothing was sent.
                return Optional.of(new MutationOutcome.Released());
            } finally {
                servers.giveBack(use);
            }
        }
    }

    /** @return refused folds of several mutations: they have no outcome yet */
    private List<FoldedMutation> apply(List<EmailMutation> mutations) {
        while (!mutations.isEmpty()) {
            MailServers.Use use;
            try {
                use = servers.use(tenant, account, work.login());
            } catch (ServerException e) {
                QueueHold failed = QueueHold.ofOpening(e.failure());
                mutations.forEach(mutation -> outcomes.put(mutation.id(), held(failed, mutation.tries())));
                return List.of();
            }
            try {
                Set<MutationId> owned =
                        sending.begin(mutations.stream().map(EmailMutation::id).toList());
                List<FoldedMutation> folds = Fold.fold(mutations.stream()
                        .filter(mutation -> owned.contains(mutation.id()))
                        .toList());
                Answers answers = use.server().apply(folds, work.snapshot(), sending.claim(owned));
                if (answers.lost().isPresent() && use.reused() && !answers.changing()) {
                    // The connection broke while it was idle; that is no attempt.
                    use.server().close();
                    continue;
                }
                return decide(folds, answers);
            } catch (InfrastructureFailureException e) {
                // Nothing was sent.
                mutations.forEach(mutation -> outcomes.put(mutation.id(), new MutationOutcome.Released()));
                return List.of();
            } finally {
                servers.giveBack(use);
            }
        }
        return List.of();
    }

    private List<FoldedMutation> decide(List<FoldedMutation> folds, Answers answers) {
        hold = answers.lost().map(QueueHold::ofOpening);
        answered = hold.isEmpty();
        List<FoldedMutation> refused = new ArrayList<>();
        for (FoldedMutation fold : folds) {
            Answer answer = answers.byEmail().get(fold.emailId());
            if (answer instanceof Answer.Failed(var failure)
                    && fold.mutations().size() > 1
                    && isRefusedInPart(failure)) {
                refused.add(fold);
                continue;
            }
            for (EmailMutation mutation : fold.mutations()) {
                outcomes.put(
                        mutation.id(),
                        answer != null
                                ? outcome(answer, mutation.tries())
                                : policy.held(
                                        mutation.tries(), hold.orElseThrow().text()));
            }
        }
        return refused;
    }

    private MutationOutcome held(QueueHold failed, Tries tries) {
        hold = Optional.of(failed);
        return policy.held(tries, failed.text());
    }

    private MutationOutcome outcome(Answer answer, Tries tries) {
        return switch (answer) {
            case Answer.Done done -> new MutationOutcome.Applied();
            case Answer.Missing(var text) -> policy.missing(tries, text);
            case Answer.Failed(ServerFailure.OutcomeUnknown(var text))
            when hold.isPresent() -> policy.interrupted(tries, text, jitter);
            case Answer.Failed(var failure) -> policy.refused(failure, tries, jitter);
        };
    }

    /** The email may exist, and some of its mutations may be acceptable. */
    private static boolean isRefusedInPart(ServerFailure failure) {
        return failure instanceof ServerFailure.Rejected rejected
                && !rejected.code().equals("notFound");
    }
}
