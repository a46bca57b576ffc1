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
import org.postbus.outbound.mutation.MutationOutcome.LocationUnknown;
import org.postbus.outbound.mutation.MutationOutcome.NeedsLogin;
import org.postbus.outbound.mutation.MutationOutcome.Rejected;

/** What a failure means for a mutation, by the number of attempts. */
class OutcomePolicyTest {
    private static final ServerFailure UNREACHABLE = new ServerFailure.Unreachable("no route");
    private static final ServerFailure UNKNOWN = new ServerFailure.OutcomeUnknown("cut off");
    private static final ServerFailure THROTTLED = new ServerFailure.Throttled("slowly", Optional.empty());
    private static final ServerFailure HINTED =
            new ServerFailure.Throttled("slowly", Optional.of(Duration.ofSeconds(300)));
    private static final ServerFailure CURSOR = new ServerFailure.CursorLost("UIDVALIDITY changed");
    private static final ServerFailure CONFLICT = new ServerFailure.Conflict("changed");
    private static final ServerFailure AUTH = new ServerFailure.AuthRejected("no");
    private static final ServerFailure REFUSED = new ServerFailure.Rejected("OVERQUOTA", "full");

    private record Row(ServerFailure failure, int attempts, boolean holdsAccount, MutationOutcome expected) {}

    @TestFactory
    List<DynamicTest> table() {
        List<Row> rows = new ArrayList<>();
        for (ServerFailure failure : List.of(UNREACHABLE, UNKNOWN, THROTTLED)) {
            for (boolean holds : new boolean[] {true, false}) {
                rows.add(new Row(failure, 1, holds, new Deferred(Duration.ofSeconds(1), failure.text(), holds)));
                rows.add(new Row(failure, 2, holds, new Deferred(Duration.ofSeconds(5), failure.text(), holds)));
                rows.add(new Row(failure, 3, holds, new Deferred(Duration.ofSeconds(30), failure.text(), holds)));
                rows.add(new Row(failure, 4, holds, new Deferred(Duration.ofMinutes(2), failure.text(), holds)));
                rows.add(new Row(failure, 5, holds, new Failed(failure.text() + " (after 5 tries)")));
            }
        }
        rows.add(new Row(HINTED, 1, true, new Deferred(Duration.ofSeconds(300), "slowly", true)));
        rows.add(new Row(HINTED, 4, true, new Deferred(Duration.ofSeconds(300), "slowly", true)));
        rows.add(new Row(HINTED, 5, true, new Failed("slowly (after 5 tries)")));
        rows.add(new Row(CURSOR, 1, true, new Deferred(Duration.ofSeconds(1), "UIDVALIDITY changed", false)));
        rows.add(new Row(CURSOR, 2, false, new Deferred(Duration.ofSeconds(5), "UIDVALIDITY changed", false)));
        rows.add(new Row(CURSOR, 3, false, new LocationUnknown(Duration.ofSeconds(30), "UIDVALIDITY changed")));
        rows.add(new Row(CURSOR, 5, false, new LocationUnknown(Duration.ofSeconds(30), "UIDVALIDITY changed")));
        rows.add(new Row(CONFLICT, 1, false, new Deferred(Duration.ofMillis(500), "changed", false)));
        rows.add(new Row(CONFLICT, 2, false, new Deferred(Duration.ofSeconds(2), "changed", false)));
        rows.add(new Row(CONFLICT, 3, false, new Rejected("conflict", "changed")));
        rows.add(new Row(CONFLICT, 5, false, new Rejected("conflict", "changed")));
        rows.add(new Row(AUTH, 1, true, new NeedsLogin(Duration.ofMinutes(5), "no")));
        rows.add(new Row(AUTH, 5, true, new NeedsLogin(Duration.ofMinutes(5), "no")));
        rows.add(new Row(REFUSED, 1, false, new Rejected("OVERQUOTA", "full")));
        rows.add(new Row(REFUSED, 5, false, new Rejected("OVERQUOTA", "full")));
        return rows.stream()
                .map(row -> DynamicTest.dynamicTest(
                        row.failure() + ", try " + row.attempts() + (row.holdsAccount() ? ", account's" : ""),
                        () -> assertThat(OutcomePolicy.outcomeOf(row.failure(), row.attempts(), row.holdsAccount(), 0))
                                .isEqualTo(row.expected())))
                .toList();
    }

    @Test
    void jitter_adds_a_fifth_at_most() {
        assertThat(OutcomePolicy.outcomeOf(UNREACHABLE, 3, true, 1))
                .isEqualTo(new Deferred(Duration.ofSeconds(36), "no route", true));
    }

    @Test
    void no_server_hint_leads_to_a_wait_of_more_than_an_hour() {
        var hint = new ServerFailure.Throttled("tomorrow", Optional.of(Duration.ofDays(1)));
        assertThat(OutcomePolicy.outcomeOf(hint, 1, true, 1))
                .isEqualTo(new Deferred(Duration.ofHours(1), "tomorrow", true));
    }
}
