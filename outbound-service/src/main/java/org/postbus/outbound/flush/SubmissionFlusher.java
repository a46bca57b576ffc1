package org.postbus.outbound.flush;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.outbound.queue.AccountFlushes;
import org.postbus.outbound.submission.Submission;
import org.postbus.outbound.submission.SubmissionOutcome;
import org.postbus.outbound.submission.SubmissionPolicy;
import org.postbus.outbound.submission.SubmissionServer;
import org.postbus.outbound.table.AccountTable;
import org.postbus.outbound.table.SubmissionTable;

/**
 * Sends an account's due submissions, one after the other, and files the copies of sent messages. Blocks: one virtual thread per account. A
 * message is transmitted at most once unless a user asks for it again.
 *
 * <p>Phases, and what is true if the process ends after each:
 * <ol>
 *   <li>claim: the submission is {@code sending}; nothing was sent, and it is sent when the claim expires;
 *   <li>commit {@code transmitting}: it is unknown whether the message was sent; the process that claims it next makes it {@code in-doubt};
 *   <li>transmit and read the answer: the same;
 *   <li>store the outcome, append it to the change log and queue the mutation of the parent's keyword, in one transaction: it is {@code sent}
 *       and never transmitted again;
 *   <li>publish a sync request;
 *   <li>search Sent for the copy, and file it if it is missing: repeated from the search, which finds it.
 * </ol>
 */
public final class SubmissionFlusher implements AccountFlushes.Flusher {
    private static final Logger LOG = Logger.getLogger(SubmissionFlusher.class);

    private final FlushContext context;
    private final SubmissionTable submissions;
    private final AccountTable accounts = new AccountTable();
    private final Opening servers;
    private final SubmissionPolicy policy;
    private final OutcomeStore store = new OutcomeStore();

    /** Opens an account's server; {@link SubmissionServers} except in tests. */
    @FunctionalInterface
    public interface Opening {
        /** @throws ServerException if it cannot be used */
        SubmissionServer open(TenantId tenant, AccountId account, AccountTable.Login login, Optional<MailboxName> sent);
    }

    /** @param ageMax after this time a message that could not be sent has failed */
    public SubmissionFlusher(FlushContext context, Opening servers, Duration ageMax) {
        this.context = context;
        this.policy = new SubmissionPolicy(ageMax);
        this.submissions = new SubmissionTable(context.claimant());
        this.servers = servers;
    }

    private record Work(SubmissionTable.Claim claim, AccountTable.Login login, Optional<MailboxName> sent) {
        Submission submission() {
            return claim.submission();
        }
    }

    /** Another process owns the submission, or it was canceled. Nothing was sent. */
    private static final class ClaimLostException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Override
    public boolean flush(TenantId tenant, AccountId account) {
        Optional<Work> work = context.database()
                .run(
                        tenant,
                        connection -> submissions
                                .claim(connection, account)
                                .compose(claimed -> claimed.isEmpty()
                                        ? Future.succeededFuture(Optional.<Work>empty())
                                        : submissions
                                                .sentMailbox(connection, account)
                                                .compose(sent -> accounts.login(connection, account)
                                                        .map(login -> login.map(
                                                                found -> new Work(claimed.get(), found, sent))))));
        if (work.isEmpty()) {
            return false;
        }
        try (var renewal = new ClaimRenewal(
                context.vertx(),
                SubmissionTable.CLAIM_TIME,
                "the claim on a submission of account " + account,
                () -> context.database().run(tenant, connection -> submissions.renew(connection, account)))) {
            store(tenant, account, work.get(), process(tenant, account, work.get()));
        } catch (ClaimLostException e) {
            context.metrics().lostClaims(1);
        }
        return true;
    }

    @Override
    public void stop() {
        store.stop();
    }

    private SubmissionOutcome process(TenantId tenant, AccountId account, Work work) {
        Submission submission = work.submission();
        if (submission.task() != Submission.Task.SEND) {
            return resolve(tenant, account, work);
        }
        Optional<SubmissionOutcome> ended = SubmissionPolicy.beforeSending(submission);
        return ended.isPresent() ? ended.get() : send(tenant, account, work);
    }

    private SubmissionOutcome send(TenantId tenant, AccountId account, Work work) {
        Submission submission = work.submission();
        SubmissionServer server;
        try {
            server = servers.open(tenant, account, work.login(), work.sent());
        } catch (ServerException e) {
            return policy.afterOpening(e.failure(), submission);
        }
        try (server) {
            SubmissionServer.Accepted accepted =
                    server.submit(submission, () -> beforeTransmission(tenant, account, submission));
            return new SubmissionOutcome.Sent(accepted.refused(), accepted.copyMissing());
        } catch (ServerException e) {
            return policy.afterSending(e.failure(), submission, context.jitter().getAsDouble());
        }
    }

    /** For a message that was sent, or may have been. */
    private SubmissionOutcome resolve(TenantId tenant, AccountId account, Work work) {
        Submission submission = work.submission();
        try (SubmissionServer server = servers.open(tenant, account, work.login(), work.sent())) {
            return switch (submission.task()) {
                case SEND -> throw new IllegalArgumentException("nothing was sent yet");
                case RESOLVE -> server.isFiledInSent(submission) ? new SubmissionOutcome.Found() : interrupted();
                case CHECK ->
                    server.isFiledInSent(submission)
                            ? new SubmissionOutcome.Found()
                            : SubmissionPolicy.inDoubt(Optional.empty(), submission.checks());
                case COPY -> {
                    server.copyToSent(submission, () -> beforeFiling(tenant, account, submission));
                    yield new SubmissionOutcome.Copied();
                }
            };
        } catch (ServerException e) {
            double jitter = context.jitter().getAsDouble();
            return switch (submission.task()) {
                case SEND -> throw new IllegalArgumentException("nothing was sent yet", e);
                case RESOLVE -> interrupted();
                case CHECK -> policy.afterChecking(e.failure(), submission, jitter);
                case COPY -> policy.afterCopying(e.failure(), submission, jitter);
            };
        }
    }

    private static SubmissionOutcome interrupted() {
        return SubmissionPolicy.inDoubt(
                Optional.of("the process that was sending it ended before it stored the server's answer"), 0);
    }

    private void beforeTransmission(TenantId tenant, AccountId account, Submission submission) {
        boolean owned = context.database()
                .run(tenant, connection -> submissions.transmitting(connection, account, submission.id()));
        if (!owned) {
            throw new ClaimLostException();
        }
    }

    /** Another process may have filed a copy since this one searched, if this one was frozen. */
    private void beforeFiling(TenantId tenant, AccountId account, Submission submission) {
        boolean owned =
                context.database().run(tenant, connection -> submissions.confirm(connection, account, submission.id()));
        if (!owned) {
            throw new ClaimLostException();
        }
    }

    private void store(TenantId tenant, AccountId account, Work work, SubmissionOutcome outcome) {
        Submission submission = work.submission();
        int failures = work.claim().failures();
        Duration holdDelay = outcome instanceof SubmissionOutcome.Held(var hold)
                ? hold.waitAfter(failures + 1, context.jitter().getAsDouble())
                : Duration.ZERO;
        boolean holdEnds = work.claim().held()
                && submission.task() == Submission.Task.SEND
                // Given up because of its age: no server has answered.
                && !(outcome instanceof SubmissionOutcome.Failed);
        boolean stored = store.untilStored(
                "the outcome of submission " + submission.id(),
                () -> context.database()
                        .run(
                                tenant,
                                connection -> submissions
                                        .storeOutcome(
                                                connection,
                                                tenant,
                                                account,
                                                work.login().revision(),
                                                submission.id(),
                                                outcome,
                                                holdDelay,
                                                holdEnds)
                                        .compose(done -> done && outcome.needsSync()
                                                ? submissions
                                                        .insertParentMutation(connection, account, submission.id())
                                                        .map(inserted -> true)
                                                : Future.succeededFuture(done))));
        context.metrics().submission(outcome.label());
        if (!stored) {
            context.metrics().lostClaims(1);
        } else if (outcome.needsSync()) {
            context.syncRequests().publish(tenant, account);
        }
        LOG.infof(
                "submission %s of account %s is %s%s",
                submission.id(), account, outcome.label(), stored ? "" : ", not stored: the claim was lost");
    }
}
