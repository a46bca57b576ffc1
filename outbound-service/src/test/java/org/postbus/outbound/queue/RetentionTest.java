package org.postbus.outbound.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import java.net.URI;
import java.sql.SQLException;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.AccountSettings;
import org.postbus.outbound.fixture.TestDatabase;
import org.postbus.outbound.fixture.TestDatabase.Account;

class RetentionTest {
    private static final String EIGHT_DAYS_AGO = "now() - interval '8 days'";
    private static final String LAST_WEEK = "now() - interval '6 days'";

    private final Vertx vertx = Vertx.vertx();
    private final TestDatabase database = new TestDatabase();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Account account = account();

    @BeforeEach
    void addAnotherTenant() {
        account();
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private Account account() {
        return database.account(new AccountSettings.Jmap("a@example.com", URI.create("http://127.0.0.1:1/")));
    }

    private Retention retention() {
        return retention(Duration.ofDays(7));
    }

    private Retention retention(Duration keepMutations) {
        return new Retention(
                database.transactions(vertx),
                new OutboundMetrics(registry),
                new Retention.Kept(
                        keepMutations, Duration.ofDays(7), Duration.ofDays(7), Duration.ofDays(7), Duration.ofDays(7)),
                Duration.ofDays(1));
    }

    @Test
    void mutations_that_ended_long_ago_are_deleted_and_no_others() {
        for (String state : List.of("queued", "sending", "applied", "confirmed", "rejected", "failed", "in-doubt")) {
            for (String since : List.of(EIGHT_DAYS_AGO, LAST_WEEK)) {
                database.run(
                        "insert into pending_changes(account_id, tenant_id, email_id, kind, state, updated_at)"
                                + " select account_id, tenant_id, uuidv7(), 'update', ?, " + since + " from account",
                        state);
            }
        }

        retention().deleteOld(Instant.now());

        assertThat(database.rows("select state, count(*)::int as n from pending_changes group by state"))
                .extracting(row -> row.get("state") + " " + row.get("n"))
                .containsExactlyInAnyOrder(
                        "queued 4", "sending 4", "applied 4", "confirmed 2", "rejected 2", "failed 4", "in-doubt 4");
        assertThat(deleted("pending_changes")).isEqualTo(4);
    }

    @Test
    void submissions_that_ended_long_ago_are_deleted_and_no_others() {
        for (String state : List.of("queued", "sending", "sent", "rejected", "failed", "in-doubt", "canceled")) {
            for (String since : List.of(EIGHT_DAYS_AGO, LAST_WEEK)) {
                message(state, since, state.equals("queued") || state.equals("sending") ? "now()" : "null");
            }
        }
        // Its copy is still to be filed.
        message("sent", EIGHT_DAYS_AGO, "now()");

        retention().deleteOld(Instant.now());

        assertThat(database.rows("select state, count(*)::int as n from submission group by state"))
                .extracting(row -> row.get("state") + " " + row.get("n"))
                .containsExactlyInAnyOrder(
                        "queued 2", "sending 2", "sent 2", "rejected 1", "failed 2", "in-doubt 2", "canceled 1");
    }

    private void message(String state, String since, String nextTry) {
        database.run(
                "update submission set state = ?, next_try_at = " + nextTry + ", updated_at = " + since
                        + " where submission_id = ?",
                state,
                database.submission(account, "a@example.com", "m@x", "b@example.com")
                        .value());
    }

    @Test
    void changes_are_deleted_from_the_oldest_on_and_leave_no_gap() {
        // A transaction that began before its neighbour's and ended after it.
        changes(account, 1, 2_500, EIGHT_DAYS_AGO);
        changes(account, 2_501, 2_501, LAST_WEEK);
        changes(account, 2_502, 2_502, EIGHT_DAYS_AGO);
        // Kafka has been unavailable for more than a week.
        Account unpublished = account();
        changes(unpublished, 1, 10, EIGHT_DAYS_AGO);
        database.run(
                "insert into change_outbox(account_id, tenant_id, first_seq, last_seq) values (?, ?, 6, 10)",
                unpublished.id().value(),
                unpublished.tenant().value());
        // All changes of the account are old.
        Account idle = account();
        changes(idle, 7, 9, EIGHT_DAYS_AGO);

        retention().deleteOld(Instant.now());

        assertThat(seqs(account)).containsExactly(2_501L, 2_502L);
        assertThat(seqs(unpublished)).containsExactly(6L, 7L, 8L, 9L, 10L);
        assertThat(seqs(idle)).isEmpty();
    }

    /** The rows of a week are not deleted one by one: their partition is dropped when all of them are old and published. */
    @Test
    void a_week_of_changes_is_dropped_when_all_of_it_is_old_and_published() {
        Instant monday = ZonedDateTime.now(ZoneOffset.UTC)
                .with(TemporalAdjusters.next(DayOfWeek.MONDAY))
                .truncatedTo(ChronoUnit.DAYS)
                .toInstant();
        String lastSecond = "timestamptz '" + monday.plus(Duration.ofDays(7)).minusSeconds(1) + "'";
        String nextWeek = "timestamptz '" + monday.plus(Duration.ofDays(7)) + "'";
        changes(account, 1, 3, "now()");
        changes(account, 4, 10, lastSecond);
        // Its process has another clock: it is of the next partition, but comes before a row of this one.
        changes(account, 11, 11, nextWeek);
        changes(account, 12, 12, lastSecond);
        changes(account, 13, 13, nextWeek);
        Account unpublished = account();
        changes(unpublished, 1, 2, lastSecond);
        database.run(
                "insert into change_outbox(account_id, tenant_id, first_seq, last_seq) values (?, ?, 2, 2)",
                unpublished.id().value(),
                unpublished.tenant().value());

        retention().deleteOld(monday.plus(Duration.ofDays(7)).plusMillis(1).plus(Duration.ofDays(7)));

        assertThat(seqs(account)).as("not published").startsWith(4L).endsWith(13L);

        database.run("delete from change_outbox");
        retention().deleteOld(monday.plus(Duration.ofDays(7)).minusMillis(1).plus(Duration.ofDays(7)));

        assertThat(seqs(account)).as("the week has not ended").startsWith(4L).endsWith(13L);

        retention().deleteOld(monday.plus(Duration.ofDays(7)).plusMillis(1).plus(Duration.ofDays(7)));

        assertThat(seqs(account)).containsExactly(13L);
        assertThat(seqs(unpublished)).isEmpty();
        assertThat(database.rows("select to_regclass('change_log_"
                        + DateTimeFormatter.ofPattern("yyyyMMdd")
                                .withZone(ZoneOffset.UTC)
                                .format(monday)
                        + "')::text as name"))
                .extracting(row -> row.get("name"))
                .containsOnlyNulls();
        // The week of the database's clock is created and dropped anew in each run.
        assertThat(deleted("change_log_partition")).isGreaterThanOrEqualTo(2);
    }

    /** No partition has been created for it: outbound has not run for months, or a clock is wrong. */
    @Test
    void a_change_of_any_time_is_stored_and_deleted_when_it_is_old() {
        changes(account, 1, 1, "now() + interval '100 days'");
        changes(account, 2, 2, "now() + interval '200 days'");

        retention().deleteOld(Instant.now().plus(Duration.ofDays(108)));

        assertThat(seqs(account)).containsExactly(2L);
    }

    @Test
    void quarantined_records_are_deleted_when_they_are_old() {
        for (String since : List.of(EIGHT_DAYS_AGO, LAST_WEEK)) {
            database.run(
                    "insert into quarantine(account_id, tenant_id, topic, partition, record_offset, value, reason, at)"
                            + " select account_id, tenant_id, 't', 0, 0, '', 'r', " + since + " from account");
            database.run("insert into quarantine(topic, partition, record_offset, value, reason, at)"
                    + " values ('t', 0, 0, '', 'r', " + since + ")");
        }

        retention().deleteOld(Instant.now());

        assertThat(database.rows("select from quarantine where at < now() - interval '7 days'"))
                .isEmpty();
        assertThat(database.rows("select from quarantine")).hasSize(3);
        assertThat(deleted("quarantine")).isEqualTo(3);
    }

    private void changes(Account of, long first, long last, String at) {
        database.run(
                "insert into change_log(account_id, tenant_id, seq, type, data, at)"
                        + " select ?, ?, seq, 'account.synced', '{}', " + at + " from generate_series(?, ?) seq",
                of.id().value(),
                of.tenant().value(),
                first,
                last);
    }

    private List<Object> seqs(Account of) {
        return database
                .rows(
                        "select seq from change_log where account_id = ? order by seq",
                        of.id().value())
                .stream()
                .map(row -> row.get("seq"))
                .toList();
    }

    @Test
    void several_processes_share_the_work() throws InterruptedException, ExecutionException {
        int mutations = 5 * Retention.ROWS_MAX + 1;
        database.run(
                "insert into pending_changes(account_id, tenant_id, email_id, kind, state, updated_at)"
                        + " select ?, ?, uuidv7(), 'update', 'confirmed', " + EIGHT_DAYS_AGO
                        + " from generate_series(1, ?)",
                account.id().value(),
                account.tenant().value(),
                mutations);
        changes(account, 1, mutations, EIGHT_DAYS_AGO);

        try (var processes = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Retention> retentions = List.of(retention(), retention(), retention());
            List<? extends Future<?>> runs = retentions.stream()
                    .map(retention -> processes.submit(() -> retention.deleteOld(Instant.now())))
                    .toList();
            for (Future<?> run : runs) {
                run.get();
            }
        }

        assertThat(database.rows("select from pending_changes")).isEmpty();
        assertThat(seqs(account)).isEmpty();
        assertThat(deleted("pending_changes")).isEqualTo(mutations);
        assertThat(deleted("change_log")).isEqualTo(mutations);
    }

    @Test
    void nothing_is_kept_for_less_than_an_idempotency_key() {
        assertThatIllegalArgumentException().isThrownBy(() -> retention(Duration.ofHours(23)));
    }

    private double deleted(String table) {
        return registry.get("postbus.outbound.swept")
                .tag("table", table)
                .counter()
                .count();
    }
}
