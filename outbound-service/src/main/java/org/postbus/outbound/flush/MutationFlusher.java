package org.postbus.outbound.flush;

import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.model.AccountId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.flush.MutationRound.Work;
import org.postbus.outbound.mutation.HeldClaim;
import org.postbus.outbound.mutation.MailServer;
import org.postbus.outbound.mutation.MutationOutcome;
import org.postbus.outbound.mutation.OutcomePolicy;
import org.postbus.outbound.mutation.ServerSnapshot;
import org.postbus.outbound.queue.AccountFlushes;
import org.postbus.outbound.table.AccountTable;
import org.postbus.outbound.table.MutationClaim;
import org.postbus.outbound.table.PendingChangesTable;
import org.postbus.outbound.table.PendingChangesTable.Flushed;
import org.postbus.outbound.table.ServerSnapshotTables;

/**
 * Applies an account's due mutations on its server. Blocks: one virtual thread per account.
 *
 * <p>Phases, and what is true if the process ends after each:
 * <ol>
 *   <li>claim: the mutations are {@code sending}, and due again when the claim expires; nothing was sent;
 *   <li>apply ({@link MutationRound}): the server has done some of them; they are applied again, without further effect (see
 *       {@link MailServer});
 *   <li>store the outcomes in one transaction: the mutations are in their next state;
 *   <li>publish a sync request, so that the fetcher reports the new state now instead of at its next poll.
 * </ol>
 */
public final class MutationFlusher implements AccountFlushes.Flusher {
    private static final Logger LOG = Logger.getLogger(MutationFlusher.class);

    private final FlushContext context;
    private final PendingChangesTable pendingChanges;
    private final AccountTable accounts = new AccountTable();
    private final ServerSnapshotTables snapshots = new ServerSnapshotTables();
    private final MailServers servers;
    private final OutcomeStore store = new OutcomeStore();
    private final OutcomePolicy policy;

    /** @param ageMax after this time a mutation that could not be applied has failed */
    public MutationFlusher(FlushContext context, MailServers servers, Duration ageMax) {
        this.context = context;
        this.policy = new OutcomePolicy(ageMax);
        this.pendingChanges = new PendingChangesTable(context.claimant());
        this.servers = servers;
    }

    /**
     * One round: all due mutations, or the first {@value PendingChangesTable#CLAIM_MAX}.
     *
     * @return false if none was due
     * @throws InfrastructureFailureException if the database is unavailable before anything was sent
     */
    @Override
    public boolean flush(TenantId tenant, AccountId account) {
        long claimedAt = System.nanoTime();
        Optional<Work> work = context.database()
                .run(
                        tenant,
                        connection -> pendingChanges
                                .claim(connection, account)
                                .compose(claim -> claim.isEmpty()
                                        ? Future.succeededFuture(Optional.<Work>empty())
                                        : work(connection, account, claim)));
        if (work.isEmpty()) {
            return false;
        }
        long start = System.nanoTime();
        try (var renewal = new ClaimRenewal(
                context.vertx(),
                PendingChangesTable.CLAIM_TIME,
                "the claim on mutations of account " + account,
                () -> context.database().run(tenant, connection -> pendingChanges.renew(connection, account)))) {
            double jitter = context.jitter().getAsDouble();
            MutationRound.Result result = new MutationRound(
                            servers,
                            new MutationSending(context, pendingChanges, tenant, account, claimedAt),
                            policy,
                            tenant,
                            account,
                            work.get(),
                            jitter)
                    .run();
            store(tenant, account, flushed(work.get(), result, jitter));
        } catch (HeldClaim.LostException e) {
            context.metrics().lostClaims(work.get().claim().size());
            LOG.warnf("account %s: a claim on mutations was lost: nothing more was sent", account);
        }
        context.metrics().flushed(Duration.ofNanos(System.nanoTime() - start));
        return true;
    }

    private Flushed flushed(Work work, MutationRound.Result result, double jitter) {
        int failures = work.claim().failures();
        return new Flushed(
                result.outcomes(),
                work.login().revision(),
                result.hold(),
                result.hold().map(hold -> hold.waitAfter(failures + 1, jitter)).orElse(Duration.ZERO),
                work.claim().held() && result.answered(),
                policy.ageMax());
    }

    private Future<Optional<Work>> work(SqlConnection connection, AccountId account, MutationClaim claim) {
        Future<ServerSnapshot> snapshot = snapshots.read(connection, account, claim);
        Future<Optional<AccountTable.Login>> login = accounts.login(connection, account);
        return Future.join(snapshot, login)
                .map(done -> login.result().map(found -> new Work(claim, snapshot.result(), found)));
    }

    @Override
    public void stop() {
        store.stop();
    }

    private void store(TenantId tenant, AccountId account, Flushed flushed) {
        Map<MutationId, MutationOutcome> outcomes = flushed.outcomes();
        int stored = store.untilStored(
                "outcomes of mutations of account " + account,
                () -> context.database()
                        .run(tenant, connection -> pendingChanges.storeOutcomes(connection, tenant, account, flushed)));
        context.metrics().lostClaims(outcomes.size() - stored);
        if (stored < outcomes.size()) {
            LOG.warnf(
                    "account %s: %d outcomes were not stored: another process has taken the mutations over, so a copy may have been made twice",
                    account, outcomes.size() - stored);
        }
        outcomes.values().forEach(context.metrics()::outcome);
        log(account, flushed);
        if (stored > 0 && outcomes.values().stream().anyMatch(MutationOutcome::needsSync)) {
            context.syncRequests().publish(tenant, account);
        }
    }

    private static void log(AccountId account, Flushed flushed) {
        flushed.hold()
                .ifPresent(hold -> LOG.infof(
                        "account %s: mutations wait for %d ms: %s, %s",
                        account, flushed.holdDelay().toMillis(), hold.reason().wireName(), hold.text()));
        Map<String, Integer> texts = new HashMap<>();
        flushed.outcomes().values().forEach(outcome -> {
            switch (outcome) {
                case MutationOutcome.Applied applied -> {}
                case MutationOutcome.Released released -> {}
                case MutationOutcome.Held held -> {}
                case MutationOutcome.Rejected(var code, var text) ->
                    texts.merge("rejected, " + code + ": " + text, 1, Integer::sum);
                case MutationOutcome.Deferred(var delay, var text) ->
                    texts.merge("tried again in " + delay.toMillis() + " ms: " + text, 1, Integer::sum);
                case MutationOutcome.Interrupted(var delay, var text) ->
                    texts.merge("interrupted, tried again in " + delay.toMillis() + " ms: " + text, 1, Integer::sum);
                case MutationOutcome.OutOfDate(var text) -> texts.merge("wait for a pass: " + text, 1, Integer::sum);
                case MutationOutcome.LocationUnknown(var delay, var text, var counts) ->
                    texts.merge("wait for the emails' locations: " + text, 1, Integer::sum);
                case MutationOutcome.Failed(var text) -> texts.merge("failed: " + text, 1, Integer::sum);
            }
        });
        texts.forEach((text, mutations) -> LOG.infof("account %s: %d mutations %s", account, mutations, text));
    }
}
