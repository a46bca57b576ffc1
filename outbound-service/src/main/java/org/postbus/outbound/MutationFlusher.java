package org.postbus.outbound;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.jboss.logging.Logger;
import org.postbus.account.Credential;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.model.AccountId;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.MailServer.Answer;
import org.postbus.outbound.MailServer.Answers;
import org.postbus.outbound.PendingChangesTable.Claim;
import org.postbus.outbound.TenantTransactions.DatabaseException;

/**
 * Carries an account's due wishes to its server, and decides what becomes of each: the one place that knows what a
 * {@link ServerFailure} means for a wish. Blocks: one virtual thread per account.
 *
 * <p>Phases, and what is true if the process ends after each:
 * <ol>
 *   <li>claim: the wishes are {@code sending} and become due again when the claim runs out; nothing was sent;
 *   <li>carry out: the server has done some; they are done again, which changes nothing (see {@link MailServer});
 *   <li>note the outcomes and raise the account's {@code wake}, in one transaction: the wishes are in their next state, and
 *       the gateway's sweeper publishes the wake;
 *   <li>publish the account: its fetcher looks now rather than soon.
 * </ol>
 */
public final class MutationFlusher implements AccountFlushes.Flusher {
    private static final Logger LOG = Logger.getLogger(MutationFlusher.class);
    private static final Duration RENEW_EVERY = PendingChangesTable.CLAIM_TIME.dividedBy(3);
    /** Between tries to note outcomes while the database is away. */
    private static final Duration NOTE_WAIT = Duration.ofSeconds(1);

    private static final String CUT_OFF = "the last try was cut off: look whether it was done";

    private final Vertx vertx;
    private final TenantTransactions database;
    private final PendingChangesTable changes;
    private final AccountTable accounts;
    private final KnownTables known;
    private final CredentialCipher cipher;
    private final MailServers servers;
    private final WakePublisher wakes;
    private final OutboundMetrics metrics;
    private final DoubleSupplier jitter;
    private final CountDownLatch stopping = new CountDownLatch(1);

    /** @param jitter between 0 and 1, see {@link RetryRule} */
    public MutationFlusher(
            Vertx vertx,
            TenantTransactions database,
            PendingChangesTable changes,
            CredentialCipher cipher,
            MailServers servers,
            WakePublisher wakes,
            OutboundMetrics metrics,
            DoubleSupplier jitter) {
        this.vertx = vertx;
        this.database = database;
        this.changes = changes;
        this.accounts = new AccountTable();
        this.known = new KnownTables();
        this.cipher = cipher;
        this.servers = servers;
        this.wakes = wakes;
        this.metrics = metrics;
        this.jitter = jitter;
    }

    private record Work(Claim claim, Known known, AccountTable.Login login) {}

    /**
     * One round: all that is due, or the first {@value PendingChangesTable#CLAIM_MAX}.
     *
     * @return false if nothing was due
     * @throws DatabaseException if the database is away before anything was sent
     */
    @Override
    public boolean flush(TenantId tenant, AccountId account) {
        Optional<Work> work = database.run(
                tenant,
                connection -> changes.claim(connection, account)
                        .compose(claim -> claim.isEmpty()
                                ? Future.succeededFuture(Optional.<Work>empty())
                                : work(connection, account, claim)));
        if (work.isEmpty()) {
            return false;
        }
        long start = System.nanoTime();
        long renewal = vertx.setPeriodic(
                RENEW_EVERY.toMillis(), tick -> Thread.startVirtualThread(() -> renew(tenant, account)));
        try {
            Map<MutationId, Outcome> outcomes = carryOut(tenant, account, work.get());
            note(tenant, account, work.get().login().revision(), outcomes);
        } finally {
            vertx.cancelTimer(renewal);
        }
        metrics.flushed(Duration.ofNanos(System.nanoTime() - start));
        return true;
    }

    private Future<Optional<Work>> work(SqlConnection connection, AccountId account, Claim claim) {
        Future<Known> found = known.read(connection, account, claim);
        Future<Optional<AccountTable.Login>> login = accounts.login(connection, account);
        return Future.join(found, login)
                .map(done -> login.result().map(there -> new Work(claim, found.result(), there)));
    }

    @Override
    public void stop() {
        stopping.countDown();
    }

    private Map<MutationId, Outcome> carryOut(TenantId tenant, AccountId account, Work work) {
        double luck = jitter.getAsDouble();
        Map<MutationId, Outcome> outcomes = new LinkedHashMap<>();
        work.claim()
                .unreadable()
                .forEach((id, reason) -> outcomes.put(id, new Outcome.Rejected("invalidPatch", reason)));
        List<Wish> wishes = new ArrayList<>();
        for (Wish wish : work.claim().wishes()) {
            if (wish.attempts() > RetryRule.TRIES_MAX) {
                outcomes.put(wish.id(), new Outcome.Failed(CUT_OFF));
            } else {
                wishes.add(wish);
            }
        }
        work.claim()
                .mailboxWish()
                .ifPresent(wish -> outcomes.put(wish.id(), mailboxOutcome(tenant, account, work, wish, luck)));
        List<FoldedWish> refused = settle(ask(tenant, account, work, Fold.fold(wishes)), luck, outcomes);
        if (!refused.isEmpty()) {
            // One wish of a fold must not spoil the others: the first is tried alone, the rest next time without it.
            List<FoldedWish> alone = new ArrayList<>();
            for (FoldedWish fold : refused) {
                alone.addAll(Fold.fold(fold.wishes().subList(0, 1)));
                fold.wishes().stream().skip(1).forEach(wish -> outcomes.put(wish.id(), new Outcome.Released()));
            }
            settle(ask(tenant, account, work, alone), luck, outcomes);
        }
        return outcomes;
    }

    private Outcome mailboxOutcome(TenantId tenant, AccountId account, Work work, MailboxWish wish, double luck) {
        if (wish.attempts() > RetryRule.TRIES_MAX) {
            return new Outcome.Failed(CUT_OFF);
        }
        try {
            Credential credential = work.login().credential(cipher, tenant, account);
            for (; ; ) {
                MailServers.Use use = servers.use(
                        account, work.login().revision(), work.login().settings(), credential);
                try {
                    return switch (use.server().carryOut(wish, work.known())) {
                        case Answer.Done done -> new Outcome.Applied();
                        case Answer.Failed(var failure) -> outcomeOf(failure, wish.attempts(), false, luck);
                    };
                } catch (ServerException e) {
                    if (!use.reused() || e.failure() instanceof ServerFailure.OutcomeUnknown) {
                        throw e;
                    }
                    // It had died while it was idle: that is no try.
                    use.server().close();
                } finally {
                    servers.giveBack(use);
                }
            }
        } catch (ServerException e) {
            return outcomeOf(e.failure(), wish.attempts(), true, luck);
        }
    }

    /** @param lost see {@link Answers}; the account's failure then, not the wish's */
    private record Asked(List<FoldedWish> folds, Map<EmailId, Answer> answers, Optional<ServerFailure> lost) {}

    private Asked ask(TenantId tenant, AccountId account, Work work, List<FoldedWish> folds) {
        if (folds.isEmpty()) {
            return new Asked(folds, Map.of(), Optional.empty());
        }
        try {
            Credential credential = work.login().credential(cipher, tenant, account);
            for (; ; ) {
                MailServers.Use use = servers.use(
                        account, work.login().revision(), work.login().settings(), credential);
                try {
                    Answers answers = use.server().carryOut(folds, work.known());
                    if (answers.lost().isPresent() && use.reused() && !answers.changing()) {
                        // It had died while it was idle: that is no try.
                        use.server().close();
                        continue;
                    }
                    return new Asked(folds, answers.byEmail(), answers.lost());
                } finally {
                    servers.giveBack(use);
                }
            }
        } catch (ServerException e) {
            return new Asked(folds, Map.of(), Optional.of(e.failure()));
        }
    }

    /** @return folds of several wishes that were refused, undecided yet */
    private static List<FoldedWish> settle(Asked asked, double luck, Map<MutationId, Outcome> outcomes) {
        List<FoldedWish> refused = new ArrayList<>();
        for (FoldedWish fold : asked.folds()) {
            Answer answer = asked.answers().get(fold.emailId());
            if (answer == null) {
                answer = new Answer.Failed(asked.lost()
                        .orElseThrow(() -> new IllegalStateException("no answer for email " + fold.emailId())));
            }
            switch (answer) {
                case Answer.Done done -> fold.wishes().forEach(wish -> outcomes.put(wish.id(), new Outcome.Applied()));
                case Answer.Failed(var failure)
                when fold.wishes().size() > 1 && isRefusedInPart(failure) -> refused.add(fold);
                case Answer.Failed(var failure) ->
                    fold.wishes()
                            .forEach(wish -> outcomes.put(
                                    wish.id(),
                                    outcomeOf(
                                            failure,
                                            wish.attempts(),
                                            asked.lost().isPresent(),
                                            luck)));
            }
        }
        return refused;
    }

    /** The email may be there, and one of the wishes for it be fine. */
    private static boolean isRefusedInPart(ServerFailure failure) {
        return failure instanceof ServerFailure.Rejected rejected
                && !rejected.code().equals("notFound");
    }

    /**
     * The policy.
     *
     * @param attempts tries so far, this one included
     * @param holdsAccount whether the failure is the account's rather than the wish's
     */
    static Outcome outcomeOf(ServerFailure failure, int attempts, boolean holdsAccount, double jitter) {
        return switch (failure) {
            case ServerFailure.Unreachable(var text) ->
                RetryRule.again(attempts, text, Optional.empty(), holdsAccount, jitter);
            case ServerFailure.Throttled(var text, var retryAfter) ->
                RetryRule.again(attempts, text, retryAfter, holdsAccount, jitter);
            case ServerFailure.AuthRejected(var text) -> RetryRule.afterLogin(text, jitter);
            // The fetcher is woken and reads the mailbox anew, which may take it a while.
            case ServerFailure.CursorLost(var text) -> RetryRule.untilPlaced(attempts, text, jitter);
            case ServerFailure.Conflict(var text) -> RetryRule.onFreshState(attempts, text, jitter);
            case ServerFailure.Rejected(var code, var text) -> new Outcome.Rejected(code, text);
            // All wishes there are can be done twice, or are looked for first: see MailServer.
            case ServerFailure.OutcomeUnknown(var text) ->
                RetryRule.again(attempts, text, Optional.empty(), holdsAccount, jitter);
        };
    }

    /** Whether the server said something that the database does not know yet. */
    private static boolean isNews(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Applied applied -> true;
            case Outcome.Rejected rejected -> true;
            case Outcome.Deferred deferred -> !deferred.holdsAccount();
            case Outcome.Unplaced unplaced -> true;
            case Outcome.NeedsLogin needsLogin -> false;
            case Outcome.Released released -> false;
            case Outcome.Failed failed -> false;
        };
    }

    /** Waits for the database as long as it takes: what the server did must be noted. If we are stopped, the claim runs out. */
    private void note(TenantId tenant, AccountId account, long revision, Map<MutationId, Outcome> outcomes) {
        boolean news = outcomes.values().stream().anyMatch(MutationFlusher::isNews);
        for (; ; ) {
            try {
                int noted = database.run(
                        tenant,
                        connection -> changes.note(connection, tenant, account, revision, outcomes)
                                .compose(count -> news && count > 0
                                        ? accounts.wake(connection, account).map(woken -> count)
                                        : Future.succeededFuture(count)));
                metrics.lostClaims(outcomes.size() - noted);
                outcomes.values().forEach(metrics::outcome);
                logTrouble(account, outcomes);
                if (news) {
                    wakes.publish(tenant, account);
                }
                return;
            } catch (DatabaseException e) {
                LOG.warnf(
                        "outcomes of account %s can not be noted, waiting for the database: %s",
                        account, e.getMessage());
                if (stopped(NOTE_WAIT)) {
                    throw e;
                }
            }
        }
    }

    private static void logTrouble(AccountId account, Map<MutationId, Outcome> outcomes) {
        Map<String, Integer> texts = new HashMap<>();
        outcomes.values().forEach(outcome -> {
            switch (outcome) {
                case Outcome.Applied applied -> {}
                case Outcome.Released released -> {}
                case Outcome.Rejected(var code, var text) ->
                    texts.merge("rejected, " + code + ": " + text, 1, Integer::sum);
                case Outcome.Deferred(var delay, var text, var holdsAccount) ->
                    texts.merge("tried again in " + delay.toMillis() + " ms: " + text, 1, Integer::sum);
                case Outcome.Unplaced(var delay, var text) ->
                    texts.merge("wait for the emails' places: " + text, 1, Integer::sum);
                case Outcome.NeedsLogin(var delay, var text) -> texts.merge("needs login: " + text, 1, Integer::sum);
                case Outcome.Failed(var text) -> texts.merge("failed: " + text, 1, Integer::sum);
            }
        });
        texts.forEach((text, wishes) -> LOG.infof("account %s: %d wishes %s", account, wishes, text));
    }

    private void renew(TenantId tenant, AccountId account) {
        try {
            database.run(tenant, connection -> changes.renew(connection, account));
        } catch (DatabaseException e) {
            LOG.warnf("claims of account %s were not renewed: %s", account, e.getMessage());
        }
    }

    private boolean stopped(Duration wait) {
        try {
            return stopping.await(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
