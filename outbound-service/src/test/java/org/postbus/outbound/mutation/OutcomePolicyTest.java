package org.postbus.outbound.mutation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.mutation.MutationOutcome.Deferred;
import org.postbus.outbound.mutation.MutationOutcome.Failed;
import org.postbus.outbound.mutation.MutationOutcome.Held;
import org.postbus.outbound.mutation.MutationOutcome.Interrupted;
import org.postbus.outbound.mutation.MutationOutcome.LocationUnknown;
import org.postbus.outbound.mutation.MutationOutcome.OutOfDate;
import org.postbus.outbound.mutation.MutationOutcome.Rejected;

/** What an answer means for a mutation, by what has happened to it before. */
class OutcomePolicyTest {
    private static final OutcomePolicy POLICY = new OutcomePolicy(Duration.ofDays(3));
    private static final ServerFailure UNKNOWN = new ServerFailure.OutcomeUnknown("not mentioned");
    private static final ServerFailure THROTTLED = new ServerFailure.Throttled("slowly", Optional.empty());
    private static final ServerFailure NO = new ServerFailure.Rejected("NO", "NO System Error");
    private static final ServerFailure HINTED =
            new ServerFailure.Throttled("slowly", Optional.of(Duration.ofSeconds(300)));
    private static final ServerFailure CURSOR = new ServerFailure.CursorLost("UIDVALIDITY changed");
    private static final ServerFailure CONFLICT = new ServerFailure.Conflict("changed");
    private static final ServerFailure REFUSED = new ServerFailure.Rejected("OVERQUOTA", "full");

    private record Row(ServerFailure failure, int attempts, MutationOutcome expected) {}

    @TestFactory
    List<DynamicTest> refusals() {
        List<Row> rows = new ArrayList<>();
        for (ServerFailure failure : List.of(UNKNOWN, THROTTLED, NO)) {
            rows.add(new Row(failure, 1, new Deferred(Duration.ofSeconds(1), failure.text())));
            rows.add(new Row(failure, 2, new Deferred(Duration.ofSeconds(5), failure.text())));
            rows.add(new Row(failure, 3, new Deferred(Duration.ofSeconds(30), failure.text())));
            rows.add(new Row(failure, 4, new Deferred(Duration.ofMinutes(2), failure.text())));
            rows.add(new Row(failure, 5, new Failed(failure.text() + " (after 5 tries)")));
        }
        rows.add(new Row(HINTED, 1, new Deferred(Duration.ofSeconds(300), "slowly")));
        rows.add(new Row(HINTED, 4, new Deferred(Duration.ofSeconds(300), "slowly")));
        rows.add(new Row(HINTED, 5, new Failed("slowly (after 5 tries)")));
        rows.add(new Row(CURSOR, 1, new LocationUnknown(Duration.ofSeconds(1), "UIDVALIDITY changed", true)));
        rows.add(new Row(CURSOR, 2, new LocationUnknown(Duration.ofSeconds(5), "UIDVALIDITY changed", true)));
        rows.add(new Row(CURSOR, 3, new LocationUnknown(Duration.ofSeconds(30), "UIDVALIDITY changed", false)));
        rows.add(new Row(CURSOR, 5, new LocationUnknown(Duration.ofSeconds(30), "UIDVALIDITY changed", false)));
        rows.add(new Row(CONFLICT, 1, new OutOfDate("changed")));
        rows.add(new Row(CONFLICT, 2, new OutOfDate("changed")));
        rows.add(new Row(CONFLICT, 3, new Rejected("conflict", "changed")));
        rows.add(new Row(REFUSED, 1, new Rejected("OVERQUOTA", "full")));
        rows.add(new Row(REFUSED, 5, new Rejected("OVERQUOTA", "full")));
        return rows.stream()
                .map(row -> DynamicTest.dynamicTest(
                        row.failure() + ", try " + row.attempts(),
                        () -> assertThat(POLICY.refused(row.failure(), Tries.of(row.attempts()), 0))
                                .isEqualTo(row.expected())))
                .toList();
    }

    @Test
    void a_message_that_is_missing_on_fresh_state_is_not_found() {
        assertThat(POLICY.missing(Tries.of(1), "gone")).isEqualTo(new OutOfDate("gone"));
        assertThat(POLICY.missing(Tries.of(2), "gone")).isEqualTo(new OutOfDate("gone"));
        assertThat(POLICY.missing(Tries.of(3), "gone")).isEqualTo(new Rejected("notFound", "gone"));
    }

    @Test
    void an_outage_uses_up_no_mutation_before_three_days() {
        Duration almost = Duration.ofDays(3).minusMillis(1);

        assertThat(POLICY.held(new Tries(5, 0, true, almost), "no route")).isEqualTo(new Held("no route"));
        assertThat(POLICY.held(new Tries(1, 0, true, Duration.ofDays(3)), "no route"))
                .isEqualTo(new Failed("no route (given up after 3 days)"));
    }

    @Test
    void a_mutation_whose_connection_is_lost_waits_longer_the_older_it_is() {
        assertThat(POLICY.interrupted(tries(Duration.ZERO), "cut", 0))
                .isEqualTo(new Interrupted(Duration.ofSeconds(5), "cut"));
        assertThat(POLICY.interrupted(tries(Duration.ofMinutes(4)), "cut", 0))
                .isEqualTo(new Interrupted(Duration.ofMinutes(1), "cut"));
        assertThat(POLICY.interrupted(tries(Duration.ofDays(2)), "cut", 0))
                .isEqualTo(new Interrupted(Duration.ofMinutes(15), "cut"));
        assertThat(POLICY.interrupted(tries(Duration.ofDays(3)), "cut", 0)).isInstanceOf(Failed.class);
    }

    @Test
    void a_location_that_stays_unknown_is_given_up_after_three_days() {
        assertThat(POLICY.refused(CURSOR, tries(Duration.ofDays(3)), 0)).isInstanceOf(Failed.class);
    }

    @Test
    void a_mutation_whose_processes_end_is_not_tried_again() {
        assertThat(OutcomePolicy.beforeTrying(new Tries(1, 4, true, Duration.ZERO)))
                .isEmpty();
        assertThat(OutcomePolicy.beforeTrying(new Tries(1, 5, true, Duration.ZERO)))
                .containsInstanceOf(Failed.class);
    }

    @Test
    void jitter_adds_a_fifth_at_most() {
        assertThat(POLICY.refused(THROTTLED, Tries.of(3), 1)).isEqualTo(new Deferred(Duration.ofSeconds(36), "slowly"));
    }

    @Test
    void no_server_hint_leads_to_a_wait_of_more_than_an_hour() {
        var hint = new ServerFailure.Throttled("tomorrow", Optional.of(Duration.ofDays(1)));
        assertThat(POLICY.refused(hint, Tries.of(1), 1)).isEqualTo(new Deferred(Duration.ofHours(1), "tomorrow"));
    }

    private static Tries tries(Duration age) {
        return new Tries(1, 0, true, age);
    }
}
