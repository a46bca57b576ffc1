package org.postbus.outbound.retry;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postbus.mail.ServerFailure;
import org.postbus.outbound.retry.QueueHold.Reason;

class QueueHoldTest {
    @Test
    void failures_of_the_server_hold_the_queue_and_refusals_do_not() {
        assertThat(QueueHold.of(new ServerFailure.Unreachable("x"))
                        .orElseThrow()
                        .reason())
                .isEqualTo(Reason.UNREACHABLE);
        assertThat(QueueHold.of(new ServerFailure.AuthRejected("x"))
                        .orElseThrow()
                        .reason())
                .isEqualTo(Reason.LOGIN_REFUSED);
        assertThat(QueueHold.of(new ServerFailure.Throttled("x", Optional.empty()))
                        .orElseThrow()
                        .reason())
                .isEqualTo(Reason.THROTTLED);
        assertThat(QueueHold.of(new ServerFailure.Rejected("NO", "x"))).isEmpty();
        assertThat(QueueHold.of(new ServerFailure.Conflict("x"))).isEmpty();
        assertThat(QueueHold.of(new ServerFailure.CursorLost("x"))).isEmpty();
    }

    /** A proxy in front of a server that is away refuses for good, as far as it knows. */
    @Test
    void whatever_fails_before_anything_was_asked_holds_the_queue() {
        assertThat(QueueHold.ofOpening(new ServerFailure.Rejected("http-404", "x"))
                        .reason())
                .isEqualTo(Reason.UNREACHABLE);
    }

    @Test
    void the_waits_grow_to_five_minutes() {
        QueueHold hold = QueueHold.unreachable("no route");

        assertThat(IntStream.of(1, 2, 3, 4, 5, 6, 7, 8, 1_000)
                        .mapToObj(failures -> hold.waitAfter(failures, 0).toSeconds()))
                .containsExactly(1L, 5L, 15L, 30L, 60L, 120L, 300L, 300L, 300L);
    }

    @Test
    void a_server_that_says_when_to_come_back_is_obeyed_up_to_an_hour() {
        assertThat(throttled(Duration.ofSeconds(90)).waitAfter(5, 0)).isEqualTo(Duration.ofSeconds(90));
        assertThat(throttled(Duration.ofDays(1)).waitAfter(5, 1)).isEqualTo(Duration.ofHours(1));
    }

    @Test
    void a_refused_login_is_tried_four_times_an_hour_at_most() {
        QueueHold hold = QueueHold.ofOpening(new ServerFailure.AuthRejected("x"));

        assertThat(hold.waitAfter(1, 0)).isEqualTo(Duration.ofMinutes(5));
        assertThat(hold.waitAfter(100, 0)).isEqualTo(Duration.ofMinutes(15));
    }

    @Test
    void a_hint_that_would_keep_this_process_busy_is_not_obeyed() {
        assertThat(throttled(Duration.ZERO).waitAfter(3, 0)).isEqualTo(unhinted(3));
        assertThat(throttled(Duration.ofSeconds(4)).waitAfter(100, 0)).isEqualTo(unhinted(100));
    }

    private static Duration unhinted(int failures) {
        return QueueHold.of(new ServerFailure.Throttled("x", Optional.empty()))
                .orElseThrow()
                .waitAfter(failures, 0);
    }

    private static QueueHold throttled(Duration hint) {
        return QueueHold.of(new ServerFailure.Throttled("x", Optional.of(hint))).orElseThrow();
    }
}
