package org.postbus.outbound.submission;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.model.SubmissionId;
import org.postbus.outbound.retry.QueueHold;
import org.postbus.outbound.submission.SubmissionOutcome.CopyFailed;
import org.postbus.outbound.submission.SubmissionOutcome.CopyRetried;
import org.postbus.outbound.submission.SubmissionOutcome.Failed;
import org.postbus.outbound.submission.SubmissionOutcome.Held;
import org.postbus.outbound.submission.SubmissionOutcome.InDoubt;
import org.postbus.outbound.submission.SubmissionOutcome.Retried;

class SubmissionPolicyTest {
    private static final SubmissionPolicy POLICY = new SubmissionPolicy(Duration.ofDays(4));
    private static final ServerFailure GREYLISTED =
            new ServerFailure.Throttled("451 4.7.1 come back later", Optional.empty());
    private static final ServerFailure UNREACHABLE = new ServerFailure.Unreachable("no route");

    @Test
    void a_temporary_refusal_is_retried_with_waits_that_grow_to_an_hour() {
        assertThat(IntStream.rangeClosed(1, 8)
                        .mapToObj(attempts -> ((Retried) POLICY.afterSending(GREYLISTED, tried(attempts), 0))
                                .delay()
                                .toSeconds()))
                .containsExactly(30L, 120L, 300L, 900L, 1_800L, 3_600L, 3_600L, 3_600L);
    }

    @Test
    void it_is_given_up_after_four_days_and_not_before() {
        assertThat(POLICY.afterSending(GREYLISTED, aged(Duration.ofDays(4).minusSeconds(1)), 0))
                .isInstanceOf(Retried.class);
        assertThat(POLICY.afterSending(GREYLISTED, aged(Duration.ofDays(4)), 0))
                .isEqualTo(new Failed("451 4.7.1 come back later (after 90 tries)"));
        assertThat(POLICY.afterSending(UNREACHABLE, aged(Duration.ofDays(4)), 0))
                .isEqualTo(new Failed("no route (given up after 4 days)"));
    }

    @Test
    void a_server_that_cannot_be_used_holds_the_queue() {
        assertThat(POLICY.afterSending(UNREACHABLE, tried(1), 0))
                .isEqualTo(new Held(QueueHold.unreachable("no route")));
        assertThat(POLICY.afterOpening(new ServerFailure.Rejected("http-404", "x"), tried(1)))
                .isInstanceOf(Held.class);
        // HTTP 429 and 503 say when; one recipient's greylisting does not.
        assertThat(POLICY.afterSending(
                        new ServerFailure.Throttled("429", Optional.of(Duration.ofSeconds(7))), tried(1), 0))
                .isInstanceOf(Held.class);
    }

    @Test
    void a_search_of_a_server_that_is_away_is_no_search() {
        assertThat(POLICY.afterChecking(UNREACHABLE, tried(1), 0))
                .isEqualTo(new InDoubt(Optional.empty(), Optional.of(Duration.ofSeconds(5)), false));
    }

    @Test
    void a_copy_is_filed_when_the_server_is_back() {
        assertThat(POLICY.afterCopying(UNREACHABLE, tried(50), 0))
                .isEqualTo(new CopyRetried(Duration.ofHours(1), "no route"));
        assertThat(POLICY.afterCopying(UNREACHABLE, aged(Duration.ofDays(4)), 0))
                .isInstanceOf(CopyFailed.class);
        assertThat(POLICY.afterCopying(new ServerFailure.Rejected("OVERQUOTA", "full"), tried(1), 0))
                .isInstanceOf(CopyFailed.class);
    }

    private static Submission tried(int attempts) {
        return submission(attempts, Duration.ZERO);
    }

    private static Submission aged(Duration age) {
        return submission(90, age);
    }

    private static Submission submission(int attempts, Duration age) {
        return new Submission(
                new SubmissionId(new UUID(0, 1)),
                Submission.Task.SEND,
                attempts,
                attempts,
                0,
                age,
                "m@example.com",
                "a@example.com",
                List.of("b@example.com"),
                new byte[0]);
    }
}
