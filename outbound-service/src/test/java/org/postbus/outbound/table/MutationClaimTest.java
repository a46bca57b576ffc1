package org.postbus.outbound.table;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.change.ChangeEvent;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.EmailId;
import org.postbus.model.MutationId;
import org.postbus.model.TenantId;
import org.postbus.outbound.fixture.Mutations;
import org.postbus.outbound.fixture.OutboundProcess;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;
import org.postbus.outbound.mutation.EmailMutation;
import org.postbus.outbound.mutation.MutationOutcome;
import org.postbus.outbound.retry.QueueHold;

class MutationClaimTest {
    private static final AccountSettings JMAP =
            new AccountSettings.Jmap("a@example.com", URI.create("http://127.0.0.1:1/"));
    private static final AccountSettings IMAP = new AccountSettings.Imap(
            "a@example.com", new ServerAddress("127.0.0.1", 1, TlsMode.NONE), Optional.empty());

    private static Vertx vertx;
    private static TestDatabase database;
    private static TenantTransactions transactions;

    private final PendingChangesTable one = new PendingChangesTable("one");
    private final PendingChangesTable other = new PendingChangesTable("other");

    @BeforeAll
    static void open() {
        vertx = Vertx.vertx();
        database = new TestDatabase();
        transactions = database.transactions(vertx);
    }

    @AfterAll
    static void close() throws SQLException {
        database.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void a_claim_takes_what_is_due_oldest_first() {
        Account account = database.account(JMAP);
        EmailId email = database.email(account, "jmap:e", null);
        MutationId first = database.mutation(account, email, "{\"keywords\": {\"a\": true}}");
        MutationId second = database.destroy(account, email);

        MutationClaim claim = claim(one, account);

        assertThat(claim.mutations()).extracting(EmailMutation::id).containsExactly(first, second);
        assertThat(claim.mutations()).allMatch(mutation -> mutation.tries().attempts() == 1);
        assertThat(claim.mutations().getLast().change()).isEqualTo(new EmailMutation.Change.Destroy());
        assertThat(database.state(first)).isEqualTo("sending");
    }

    @Test
    void two_processes_never_have_mutations_of_one_account_at_the_same_time() throws Exception {
        for (int round = 0; round < 8; round++) {
            Account account = database.account(JMAP);
            for (int i = 0; i < 20; i++) {
                EmailId email = database.email(account, "jmap:e" + i, null);
                database.mutation(account, email, "{\"keywords\": {\"a\": true}}");
            }
            var start = new CyclicBarrier(2);
            List<Callable<MutationClaim>> claims = new ArrayList<>();
            for (PendingChangesTable process : List.of(one, other)) {
                claims.add(() -> {
                    start.await();
                    return claim(process, account);
                });
            }

            List<Integer> sizes = new ArrayList<>();
            try (ExecutorService executor = Executors.newFixedThreadPool(2)) {
                for (Future<MutationClaim> claim : executor.invokeAll(claims)) {
                    sizes.add(claim.get().mutations().size());
                }
            }

            assertThat(sizes).as("round %d", round).containsExactlyInAnyOrder(20, 0);
        }
    }

    @Test
    void a_new_mutation_waits_while_another_process_flushes_the_account() {
        Account account = database.account(JMAP);
        EmailId email = database.email(account, "jmap:e", null);
        MutationId first = database.mutation(account, email, "{}");
        claim(one, account);
        MutationId second = database.mutation(account, email, "{}");

        assertThat(claim(other, account).isEmpty()).isTrue();
        assertThat(isDue(account)).isFalse();

        note(one, account, Map.of(first, new MutationOutcome.Applied()));
        assertThat(isDue(account)).isTrue();
        assertThat(claim(other, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(second);
    }

    @Test
    void after_a_crash_the_claim_expires_and_the_crashed_processs_outcome_is_not_stored() {
        Account account = database.account(JMAP);
        EmailId email = database.email(account, "jmap:e", null);
        MutationId mutation = database.mutation(account, email, "{}");
        claim(one, account);
        assertThat(claim(other, account).isEmpty()).isTrue();

        database.run(
                "update pending_changes set claimed_until = now() - interval '1 second' where mutation_id = ?",
                mutation.value());
        assertThat(isDue(account)).isTrue();
        MutationClaim taken = claim(other, account);

        assertThat(taken.mutations())
                .singleElement()
                .matches(again -> again.tries().attempts() == 2
                        && again.tries().interruptions() == 1
                        && !again.tries().sent());
        assertThat(note(one, account, Map.of(mutation, new MutationOutcome.Rejected("x", "late"))))
                .isZero();
        assertThat(database.state(mutation)).isEqualTo("sending");
        assertThat(note(other, account, Map.of(mutation, new MutationOutcome.Applied())))
                .isOne();
        assertThat(database.state(mutation)).isEqualTo("applied");
    }

    @Test
    void a_renewed_claim_does_not_expire() {
        Account account = database.account(JMAP);
        MutationId mutation = database.mutation(account, database.email(account, "jmap:e", null), "{}");
        claim(one, account);
        database.run(
                "update pending_changes set claimed_until = now() + interval '1 second' where mutation_id = ?",
                mutation.value());

        int renewed = transactions.run(account.tenant(), connection -> one.renew(connection, account.id()));

        assertThat(renewed).isOne();
        assertThat(database.rows(
                        "select 1 from pending_changes where mutation_id = ? and claimed_until > now() + interval '50 s'",
                        mutation.value()))
                .hasSize(1);
    }

    @Test
    void no_mutation_overtakes_an_older_one_for_the_same_email() {
        Account account = database.account(JMAP);
        EmailId waiting = database.email(account, "jmap:w", null);
        EmailId free = database.email(account, "jmap:f", null);
        MutationId first = database.mutation(account, waiting, "{}");
        claim(one, account);
        note(one, account, Map.of(first, new MutationOutcome.Deferred(Duration.ofMinutes(2), "later")));
        MutationId second = database.mutation(account, waiting, "{}");
        MutationId third = database.mutation(account, free, "{}");

        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(third);

        note(one, account, Map.of(third, new MutationOutcome.Applied()));
        database.makeDue();
        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(first, second);
    }

    @Test
    void a_failure_of_the_account_holds_all_its_mutations_until_the_account_is_changed() {
        Account account = database.account(JMAP);
        MutationId first = database.mutation(account, database.email(account, "jmap:1", null), "{}");
        claim(one, account);
        hold(one, account, Map.of(first, new MutationOutcome.Held("wrong password")));
        MutationId second = database.mutation(account, database.email(account, "jmap:2", null), "{}");

        assertThat(database.row(first)).isEqualTo(new TestDatabase.Row("queued", 0, "wrong password"));
        assertThat(isDue(account)).isFalse();
        assertThat(claim(one, account).isEmpty()).isTrue();

        database.run(
                "update account set revision = revision + 1 where account_id = ?",
                account.id().value());
        assertThat(isDue(account)).isTrue();
        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(first, second);
    }

    @Test
    void after_a_failure_of_the_account_one_mutation_finds_out_whether_the_server_answers_again() {
        Account account = database.account(JMAP);
        MutationId first = database.mutation(account, database.email(account, "jmap:1", null), "{}");
        MutationId second = database.mutation(account, database.email(account, "jmap:2", null), "{}");
        claim(one, account);
        var held = new MutationOutcome.Held("no route");
        hold(one, account, Map.of(first, held, second, held));
        database.makeDue();

        MutationClaim probe = claim(one, account);
        assertThat(probe.mutations()).extracting(EmailMutation::id).containsExactly(first);
        assertThat(probe.failures()).isOne();
        hold(one, account, Map.of(first, held));
        assertThat(database.hold(account, "mutations"))
                .hasValueSatisfying(hold -> assertThat(hold)
                        .containsEntry("failures", 2)
                        .containsEntry("reason", "unreachable")
                        .containsEntry("error", "no route"));

        database.makeDue();
        claim(one, account);
        transactions.run(
                account.tenant(),
                connection -> one.storeOutcomes(
                        connection,
                        account.tenant(),
                        account.id(),
                        flushed(Map.of(first, new MutationOutcome.Applied()), Optional.empty(), true)));
        assertThat(database.hold(account, "mutations")).isEmpty();
        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(second);
    }

    @Test
    void while_the_account_is_held_mutations_that_are_too_old_fail_and_that_is_published() {
        Account account = database.account(JMAP);
        MutationId claimed = database.mutation(account, database.email(account, "jmap:1", null), "{}");
        claim(one, account);
        MutationId retried = database.mutation(account, database.email(account, "jmap:2", null), "{}");
        database.run(
                "update pending_changes set retried_at = now() where account_id = ?",
                account.id().value());
        MutationId old = database.mutation(account, database.email(account, "jmap:3", null), "{}");
        database.age(account, Duration.ofDays(3));
        MutationId young = database.mutation(account, database.email(account, "jmap:4", null), "{}");

        hold(one, account, Map.of(claimed, new MutationOutcome.Held("no route")));

        assertThat(database.row(old)).isEqualTo(new TestDatabase.Row("failed", 0, "no route (given up after 3 days)"));
        assertThat(database.state(retried)).isEqualTo("queued");
        assertThat(database.state(young)).isEqualTo("queued");
        assertThat(database.changes(account))
                .singleElement()
                .isInstanceOfSatisfying(
                        ChangeEvent.MutationFailed.class,
                        failed -> assertThat(failed.mutationId()).isEqualTo(old));
    }

    @Test
    void a_mutation_that_is_out_of_date_waits_for_a_pass_that_began_later_and_its_followers_wait_too() {
        Account account = database.account(JMAP);
        EmailId email = database.email(account, "jmap:1", null);
        database.beginPass(account, 7);
        MutationId first = database.mutation(account, email, "{}");
        claim(one, account);
        note(one, account, Map.of(first, new MutationOutcome.OutOfDate("gone")));
        MutationId second = database.mutation(account, email, "{}");
        database.makeDue();

        assertThat(database.rows("select after_pass from pending_changes where mutation_id = ?", first.value()))
                .containsExactly(Map.of("after_pass", 7L));
        assertThat(isDue(account)).as("another mutation").isTrue();
        assertThat(claim(one, account).isEmpty()).isTrue();

        database.passEnds(account);
        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(first, second);
    }

    @Test
    void only_a_mutation_that_is_still_owned_is_marked_as_sent() {
        Account account = database.account(JMAP);
        MutationId kept = database.mutation(account, database.email(account, "jmap:1", null), "{}");
        MutationId discarded = database.mutation(account, database.email(account, "jmap:2", null), "{}");
        claim(one, account);
        assertThat(database.rows(
                        "select sent from pending_changes where account_id = ?",
                        account.id().value()))
                .containsExactly(Map.of("sent", false), Map.of("sent", false));
        database.run("delete from pending_changes where mutation_id = ?", discarded.value());

        assertThat(markSent(one, account, kept, discarded)).containsExactly(kept);

        database.run("update pending_changes set claimed_until = now() - interval '1 second'");
        claim(other, account);
        assertThat(markSent(one, account, kept)).isEmpty();
        assertThat(markSent(other, account, kept)).containsExactly(kept);
    }

    private static Set<MutationId> markSent(PendingChangesTable process, Account account, MutationId... mutations) {
        return transactions.run(
                account.tenant(), connection -> process.markSent(connection, account.id(), List.of(mutations)));
    }

    @Test
    void a_paused_account_is_not_claimed() {
        Account account = database.account(JMAP);
        database.mutation(account, database.email(account, "jmap:1", null), "{}");
        database.run(
                "update account set status = 'paused' where account_id = ?",
                account.id().value());

        assertThat(isDue(account)).isFalse();
        assertThat(claim(one, account).isEmpty()).isTrue();
    }

    @Test
    void on_imap_a_mutation_waits_until_the_move_before_it_is_confirmed() {
        Account account = database.account(IMAP);
        EmailId email = database.email(account, null, "m@example.com");
        MutationId move = database.mutation(
                account, email, "{\"mailboxIds\": {\"" + Mutations.mailbox(1).value() + "\": true}}");
        claim(one, account);
        note(one, account, Map.of(move, new MutationOutcome.Applied()));
        MutationId flag = database.mutation(account, email, "{\"keywords\": {\"a\": true}}");

        assertThat(claim(one, account).isEmpty()).isTrue();

        database.run("update pending_changes set state = 'confirmed' where mutation_id = ?", move.value());
        assertThat(claim(one, account).mutations())
                .extracting(EmailMutation::id)
                .containsExactly(flag);
    }

    @Test
    void an_invalid_patch_is_reported_apart_from_the_others() {
        Account account = database.account(JMAP);
        EmailId email = database.email(account, "jmap:e", null);
        MutationId broken = database.mutation(account, email, "{\"keywords\": {\"a\": 5}}");
        MutationId fine = database.mutation(account, email, "{\"keywords\": {\"a\": true}}");

        MutationClaim claim = claim(one, account);

        assertThat(claim.mutations()).extracting(EmailMutation::id).containsExactly(fine);
        assertThat(claim.unreadable()).containsOnlyKeys(broken);
    }

    /** Fails by the role's statement_timeout if the plan joins the mutations with each other. */
    @Test
    void ten_thousand_mutations_are_claimed_in_rounds_though_the_table_was_never_analyzed() {
        int mutations = 2 * PendingChangesTable.CLAIM_MAX;
        Account account = database.account(IMAP);
        database.run(
                "insert into pending_changes(account_id, tenant_id, email_id, kind, patch)"
                        + " select ?, ?, uuidv7(), 'update', '{\"keywords\": {\"a\": true}}' from generate_series(1, ?)",
                account.id().value(),
                account.tenant().value(),
                mutations);

        Set<MutationId> seen = new HashSet<>();
        for (int claimed = 0; claimed < mutations; claimed += PendingChangesTable.CLAIM_MAX) {
            Map<MutationId, MutationOutcome> outcomes = new HashMap<>();
            claim(one, account)
                    .mutations()
                    .forEach(mutation -> outcomes.put(mutation.id(), new MutationOutcome.Applied()));
            assertThat(note(one, account, outcomes)).isEqualTo(PendingChangesTable.CLAIM_MAX);
            seen.addAll(outcomes.keySet());
        }

        assertThat(seen).hasSize(mutations);
        assertThat(claim(one, account).isEmpty()).isTrue();
    }

    @Test
    void another_tenant_claims_nothing() {
        Account account = database.account(JMAP);
        database.mutation(account, database.email(account, "jmap:e", null), "{}");
        TenantId stranger = database.account(JMAP).tenant();

        assertThat(claim(one, new Account(stranger, account.id())).isEmpty()).isTrue();
    }

    private static MutationClaim claim(PendingChangesTable process, Account account) {
        return transactions.run(account.tenant(), connection -> process.claim(connection, account.id()));
    }

    private static int note(PendingChangesTable process, Account account, Map<MutationId, MutationOutcome> outcomes) {
        return transactions.run(
                account.tenant(),
                connection -> process.storeOutcomes(
                        connection, account.tenant(), account.id(), flushed(outcomes, Optional.empty(), false)));
    }

    private static int hold(PendingChangesTable process, Account account, Map<MutationId, MutationOutcome> outcomes) {
        String text = outcomes.values().stream()
                .map(outcome -> ((MutationOutcome.Held) outcome).text())
                .findFirst()
                .orElseThrow();
        return transactions.run(
                account.tenant(),
                connection -> process.storeOutcomes(
                        connection,
                        account.tenant(),
                        account.id(),
                        flushed(outcomes, Optional.of(QueueHold.unreachable(text)), false)));
    }

    private static PendingChangesTable.Flushed flushed(
            Map<MutationId, MutationOutcome> outcomes, Optional<QueueHold> hold, boolean holdEnds) {
        return new PendingChangesTable.Flushed(
                outcomes, 1, hold, Duration.ofMinutes(5), holdEnds, OutboundProcess.MUTATION_AGE_MAX);
    }

    private static boolean isDue(Account account) {
        for (var row : transactions.query(
                "select account_id from accounts_with_due_mutations($1)", io.vertx.sqlclient.Tuple.of(10_000))) {
            if (row.getUUID(0).equals(account.id().value())) {
                return true;
            }
        }
        return false;
    }
}
