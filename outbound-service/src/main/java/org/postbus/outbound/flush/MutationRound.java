package org.postbus.outbound.flush;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
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
import org.postbus.outbound.retry.RetrySchedule;
import org.postbus.outbound.table.AccountTable;
import org.postbus.outbound.table.MutationClaim;

/**
 * Applies one claim of mutations on the account's server, and turns the answers into outcomes by {@link OutcomePolicy}. Used once.
 *
 * <p>If the server refuses a folded mutation, its first mutation is sent alone, so that an invalid one does not spoil the others of the same
 * email; the others are released for the next round.
 */
final class MutationRound {
    private static final String INTERRUPTED = "the last attempt was interrupted: check whether it was applied";

    private final MailServers servers;
    private final TenantId tenant;
    private final AccountId account;
    private final Work work;
    private final double jitter;
    private final Map<MutationId, MutationOutcome> outcomes = new LinkedHashMap<>();

    /** What one transaction claimed and read. */
    record Work(MutationClaim claim, ServerSnapshot snapshot, AccountTable.Login login) {}

    /** @param lost see {@link Answers}: the failure concerns the account then */
    private record Applied(List<FoldedMutation> folds, Map<EmailId, Answer> answers, Optional<ServerFailure> lost) {}

    MutationRound(MailServers servers, TenantId tenant, AccountId account, Work work, double jitter) {
        this.servers = servers;
        this.tenant = tenant;
        this.account = account;
        this.work = work;
        this.jitter = jitter;
    }

    /** Blocks. @return an outcome for each mutation of the claim */
    Map<MutationId, MutationOutcome> run() {
        MutationClaim claim = work.claim();
        claim.unreadable()
                .forEach((id, reason) -> outcomes.put(id, new MutationOutcome.Rejected("invalidPatch", reason)));
        claim.mailboxMutation().ifPresent(mutation -> outcomes.put(mutation.id(), outcomeOf(mutation)));
        List<EmailMutation> mutations = new ArrayList<>();
        for (EmailMutation mutation : claim.mutations()) {
            if (mutation.attempts() > RetrySchedule.ATTEMPTS_MAX) {
                outcomes.put(mutation.id(), new MutationOutcome.Failed(INTERRUPTED));
            } else {
                mutations.add(mutation);
            }
        }
        List<FoldedMutation> refused = decide(apply(Fold.fold(mutations)));
        if (!refused.isEmpty()) {
            List<FoldedMutation> single = new ArrayList<>();
            for (FoldedMutation fold : refused) {
                single.addAll(Fold.fold(fold.mutations().subList(0, 1)));
                fold.mutations().stream()
                        .skip(1)
                        .forEach(mutation -> outcomes.put(mutation.id(), new MutationOutcome.Released()));
            }
            decide(apply(single));
        }
        return outcomes;
    }

    private MutationOutcome outcomeOf(MailboxMutation mutation) {
        if (mutation.attempts() > RetrySchedule.ATTEMPTS_MAX) {
            return new MutationOutcome.Failed(INTERRUPTED);
        }
        try {
            return switch (apply(mutation)) {
                case Answer.Done done -> new MutationOutcome.Applied();
                case Answer.Failed(var failure) -> OutcomePolicy.outcomeOf(failure, mutation.attempts(), false, jitter);
            };
        } catch (ServerException e) {
            return OutcomePolicy.outcomeOf(e.failure(), mutation.attempts(), true, jitter);
        }
    }

    private Answer apply(MailboxMutation mutation) {
        for (; ; ) {
            MailServers.Use use = servers.use(tenant, account, work.login());
            try {
                return use.server().apply(mutation, work.snapshot());
            } catch (ServerException e) {
                if (!use.reused() || e.failure() instanceof ServerFailure.OutcomeUnknown) {
                    throw e;
                }
                // The connection broke while it was idle; that is no attempt.
                use.server().close();
            } finally {
                servers.giveBack(use);
            }
        }
    }

    private Applied apply(List<FoldedMutation> folds) {
        if (folds.isEmpty()) {
            return new Applied(folds, Map.of(), Optional.empty());
        }
        try {
            for (; ; ) {
                MailServers.Use use = servers.use(tenant, account, work.login());
                try {
                    Answers answers = use.server().apply(folds, work.snapshot());
                    if (answers.lost().isPresent() && use.reused() && !answers.changing()) {
                        // The connection broke while it was idle; that is no attempt.
                        use.server().close();
                        continue;
                    }
                    return new Applied(folds, answers.byEmail(), answers.lost());
                } finally {
                    servers.giveBack(use);
                }
            }
        } catch (ServerException e) {
            return new Applied(folds, Map.of(), Optional.of(e.failure()));
        }
    }

    /** @return refused folds of several mutations: they have no outcome yet */
    private List<FoldedMutation> decide(Applied applied) {
        List<FoldedMutation> refused = new ArrayList<>();
        for (FoldedMutation fold : applied.folds()) {
            Answer answer = applied.answers().get(fold.emailId());
            if (answer == null) {
                answer = new Answer.Failed(applied.lost()
                        .orElseThrow(() -> new IllegalStateException("no answer for email " + fold.emailId())));
            }
            switch (answer) {
                case Answer.Done done ->
                    fold.mutations().forEach(mutation -> outcomes.put(mutation.id(), new MutationOutcome.Applied()));
                case Answer.Failed(var failure)
                when fold.mutations().size() > 1 && isRefusedInPart(failure) -> refused.add(fold);
                case Answer.Failed(var failure) ->
                    fold.mutations()
                            .forEach(mutation -> outcomes.put(
                                    mutation.id(),
                                    OutcomePolicy.outcomeOf(
                                            failure,
                                            mutation.attempts(),
                                            applied.lost().isPresent(),
                                            jitter)));
            }
        }
        return refused;
    }

    /** The email may exist, and some of its mutations may be acceptable. */
    private static boolean isRefusedInPart(ServerFailure failure) {
        return failure instanceof ServerFailure.Rejected rejected
                && !rejected.code().equals("notFound");
    }
}
