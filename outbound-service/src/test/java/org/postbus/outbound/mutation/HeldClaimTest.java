package org.postbus.outbound.mutation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.postbus.outbound.mutation.HeldClaim.Confirmation;
import org.postbus.outbound.mutation.HeldClaim.LostException;

/** A process that was frozen sends nothing more; time is a number here. */
class HeldClaimTest {
    private long now;
    private int asked;
    private Confirmation answer = Confirmation.HELD;
    /** The process is frozen for so long while the database is asked. */
    private long frozen;

    private final HeldClaim claim = new HeldClaim(
            Duration.ofSeconds(60),
            () -> {
                asked++;
                now += frozen;
                frozen = 0;
                return answer;
            },
            () -> now,
            0);

    @Test
    void a_young_claim_is_not_asked_about_before_commands_that_may_be_repeated() {
        seconds(9);
        claim.beforeCommand();
        assertThat(asked).isZero();

        seconds(2);
        claim.beforeCommand();
        claim.beforeCommand();
        assertThat(asked).isOne();
    }

    @Test
    void the_database_is_asked_before_each_command_that_must_not_run_twice() {
        claim.confirm();
        claim.confirm();
        assertThat(asked).isEqualTo(2);
    }

    @Test
    void a_claim_that_another_process_has_taken_over_stays_lost() {
        answer = Confirmation.LOST;
        seconds(70);

        assertThatThrownBy(claim::beforeCommand).isInstanceOf(LostException.class);

        answer = Confirmation.HELD;
        assertThatThrownBy(claim::beforeCommand).isInstanceOf(LostException.class);
        assertThat(claim.isHeld()).isFalse();
    }

    @Test
    void a_process_that_was_frozen_while_the_database_answered_asks_again() {
        frozen = Duration.ofSeconds(61).toNanos();

        claim.confirm();

        assertThat(asked).isEqualTo(2);
    }

    @Test
    void without_the_database_the_claim_is_held_until_another_process_could_take_it_over() {
        answer = Confirmation.UNKNOWN;

        seconds(39);
        assertThatCode(claim::confirm).doesNotThrowAnyException();

        seconds(2);
        assertThatThrownBy(claim::confirm).isInstanceOf(LostException.class);
    }

    private void seconds(long passed) {
        now += Duration.ofSeconds(passed).toNanos();
    }
}
