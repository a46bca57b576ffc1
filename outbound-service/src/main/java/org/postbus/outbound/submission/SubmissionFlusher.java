package org.postbus.outbound.submission;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.jboss.logging.Logger;
import org.postbus.mail.ServerException;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.outbound.AccountFlushes;
import org.postbus.outbound.AccountTable;
import org.postbus.outbound.OutboundMetrics;
import org.postbus.outbound.RetryRule;
import org.postbus.outbound.TenantTransactions.DatabaseException;
import org.postbus.outbound.TenantTransactions;
import org.postbus.outbound.WakePublisher;

/**
 * Sends what is due of an account, one message after the other, and sees to the copies of what was sent. Blocks: one virtual thread
 * per account. A message is handed over at most once unless a person asks for it again.
 *
 * <p>Phases, and what is true if the process ends after each:
 * <ol>
 *   <li>claim: the message is {@code sending}; nothing was sent, and it is sent when the claim runs out;
 *   <li>commit that it is being transmitted: it may have been sent or not, and whoever takes it over makes it {@code in-doubt};
 *   <li>hand it over and hear the answer: the same;
 *   <li>note the answer, tell the world, wish for the parent's keyword, and raise the account's {@code wake}, in one transaction: it is {@code sent}
 *       and never handed over again;
 *   <li>look for the copy, and make it if there is none: done again from the look, which finds it.
 * </ol>
 */
public final class SubmissionFlusher implements AccountFlushes.Flusher {
    private static final Logger LOG = Logger.getLogger(SubmissionFlusher.class);
    private static final Duration RENEW_EVERY = SubmissionTable.CLAIM_TIME.dividedBy(3);
    /** Between tries to note an outcome while the database is away. */
    private static final Duration NOTE_WAIT = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final TenantTransactions database;
    private final SubmissionTable submissions;
    private final AccountTable accounts = new AccountTable();
    private final Opening servers;
    private final WakePublisher wakes;
    private final OutboundMetrics metrics;
    private final DoubleSupplier jitter;
    private final CountDownLatch stopping = new CountDownLatch(1);

    /** Opens an account's server; {@link SubmissionServers} outside of tests. */
    @FunctionalInterface
    public interface Opening {
        /** @throws ServerException if it can not be used */
        SubmissionServer open(TenantId tenant, AccountId account, AccountTable.Login login, Optional<MailboxName> sent);
    }

    /**
     * @param claimant this process and no other
     * @param jitter between 0 and 1, see {@link RetryRule}
     */
    public SubmissionFlusher(
            Vertx vertx,
            TenantTransactions database,
            String claimant,
            Opening servers,
            WakePublisher wakes,
            OutboundMetrics metrics,
            DoubleSupplier jitter) {
        this.vertx = vertx;
        this.database = database;
        this.submissions = new SubmissionTable(claimant);
        this.servers = servers;
        this.wakes = wakes;
        this.metrics = metrics;
        this.jitter = jitter;
    }

    private record Work(Submission submission, AccountTable.Login login, Optional<MailboxName> sent) {}

    /** Somebody else has the submission, or it was canceled: nothing was sent. */
    private static final class ClaimLostException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Override
    public boolean flush(TenantId tenant, AccountId account) {
        Optional<Work> work = database.run(
                tenant,
                connection -> submissions
                        .claim(connection, account)
                        .compose(claimed -> claimed.isEmpty()
                                ? Future.succeededFuture(Optional.<Work>empty())
                                : submissions
                                        .sentMailbox(connection, account)
                                        .compose(sent -> accounts.login(connection, account)
                                                .map(login ->
                                                        login.map(there -> new Work(claimed.get(), there, sent))))));
        if (work.isEmpty()) {
            return false;
        }
        long renewal = vertx.setPeriodic(
                RENEW_EVERY.toMillis(), tick -> Thread.startVirtualThread(() -> renew(tenant, account)));
        try {
            note(tenant, account, work.get(), carryOut(tenant, account, work.get()));
        } catch (ClaimLostException e) {
            metrics.lostClaims(1);
        } finally {
            vertx.cancelTimer(renewal);
        }
        return true;
    }

    @Override
    public void stop() {
        stopping.countDown();
    }

    private SubmissionOutcome carryOut(TenantId tenant, AccountId account, Work work) {
        Submission submission = work.submission();
        if (submission.task() == Submission.Task.SEND && submission.attempts() > RetryRule.TRIES_MAX) {
            return new SubmissionOutcome.Failed("the last try was cut off before anything was sent");
        }
        try (SubmissionServer server = servers.open(tenant, account, work.login(), work.sent())) {
            return switch (submission.task()) {
                case SEND -> {
                    SubmissionServer.Taken taken =
                            server.submit(submission, () -> transmitting(tenant, account, submission));
                    yield new SubmissionOutcome.Sent(taken.refused(), taken.copyMissing());
                }
                case RESOLVE -> server.isAmongSent(submission) ? new SubmissionOutcome.Found() : cutOff();
                case LOOK ->
                    server.isAmongSent(submission)
                            ? new SubmissionOutcome.Found()
                            : SubmissionRule.inDoubt(Optional.empty(), submission.looks());
                case COPY -> {
                    server.copyToSent(submission);
                    yield new SubmissionOutcome.Copied();
                }
            };
        } catch (ServerException e) {
            double luck = jitter.getAsDouble();
            return switch (submission.task()) {
                case SEND -> SubmissionRule.afterSending(e.failure(), submission.attempts(), luck);
                case RESOLVE -> cutOff();
                case LOOK -> SubmissionRule.inDoubt(Optional.empty(), submission.looks());
                case COPY -> SubmissionRule.afterCopying(e.failure(), submission.looks(), luck);
            };
        }
    }

    private static SubmissionOutcome cutOff() {
        return SubmissionRule.inDoubt(
                Optional.of("the process that was sending it ended before the server's answer was noted"), 0);
    }

    private void transmitting(TenantId tenant, AccountId account, Submission submission) {
        boolean ours =
                database.run(tenant, connection -> submissions.transmitting(connection, account, submission.id()));
        if (!ours) {
            throw new ClaimLostException();
        }
    }

    /** Waits for a database that is away: a result that is lost leaves the message in doubt. */
    private void note(TenantId tenant, AccountId account, Work work, SubmissionOutcome outcome) {
        Submission submission = work.submission();
        for (; ; ) {
            try {
                boolean counted = database.run(
                        tenant,
                        connection -> submissions
                                .note(connection, tenant, account, work.login().revision(), submission.id(), outcome)
                                .compose(noted -> noted && isNews(outcome)
                                        ? submissions
                                                .wishForParent(connection, account, submission.id())
                                                .compose(wished -> accounts.wake(connection, account))
                                                .map(woken -> true)
                                        : Future.succeededFuture(noted)));
                metrics.submission(outcome.label());
                if (!counted) {
                    metrics.lostClaims(1);
                } else if (isNews(outcome)) {
                    wakes.publish(tenant, account);
                }
                LOG.infof(
                        "submission %s of account %s is %s%s",
                        submission.id(), account, outcome.label(), counted ? "" : ", which does not count any more");
                return;
            } catch (DatabaseException e) {
                LOG.warnf(
                        "the outcome of submission %s can not be noted, waiting for the database: %s",
                        submission.id(), e.getMessage());
                if (stopped()) {
                    throw e;
                }
            }
        }
    }

    /** Whether the server has something that the database does not know yet. */
    private static boolean isNews(SubmissionOutcome outcome) {
        return switch (outcome) {
            case SubmissionOutcome.Sent sent -> true;
            case SubmissionOutcome.Found found -> true;
            case SubmissionOutcome.Copied copied -> true;
            case SubmissionOutcome.Rejected rejected -> false;
            case SubmissionOutcome.Again again -> false;
            case SubmissionOutcome.Failed failed -> false;
            case SubmissionOutcome.InDoubt doubt -> false;
            case SubmissionOutcome.CopyAgain again -> false;
            case SubmissionOutcome.CopyFailed failed -> false;
        };
    }

    private void renew(TenantId tenant, AccountId account) {
        try {
            database.run(tenant, connection -> submissions.renew(connection, account));
        } catch (DatabaseException e) {
            LOG.warnf("the claim on a submission of account %s was not renewed: %s", account, e.getMessage());
        }
    }

    private boolean stopped() {
        try {
            return stopping.await(NOTE_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
