package org.postbus.fetcher.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.postbus.fetcher.loop.AuthFailurePolicy.History;

class AuthFailurePolicyTest {
    private final Instant noon = Instant.parse("2026-01-01T12:00:00Z");

    @Test
    void a_new_account_is_believed_to_have_a_wrong_password_after_two_refusals() {
        AuthFailurePolicy once = AuthFailurePolicy.with(History.NEVER_TRIED).refused(noon);

        assertThat(once.isBelieved(noon)).isFalse();
        assertThat(once.refused(noon.plusSeconds(2)).isBelieved(noon.plusSeconds(2)))
                .isTrue();
    }

    @Test
    void an_account_that_worked_is_refused_three_times_over_two_minutes_before_it_needs_a_login() {
        AuthFailurePolicy policy = AuthFailurePolicy.with(History.WORKED_BEFORE)
                .refused(noon)
                .refused(noon.plusSeconds(1))
                .refused(noon.plusSeconds(2));

        assertThat(policy.isBelieved(noon.plusSeconds(2))).isFalse();
        assertThat(policy.isBelieved(noon.plusSeconds(120))).isTrue();
    }

    @Test
    void two_refusals_are_not_enough_however_far_apart() {
        AuthFailurePolicy policy =
                AuthFailurePolicy.with(History.WORKED_BEFORE).refused(noon).refused(noon.plusSeconds(3600));

        assertThat(policy.isBelieved(noon.plusSeconds(3600))).isFalse();
    }

    @Test
    void a_login_that_succeeds_resets_the_count() {
        AuthFailurePolicy policy = AuthFailurePolicy.with(History.NEVER_TRIED)
                .refused(noon)
                .loggedIn()
                .refused(noon.plusSeconds(600));

        assertThat(policy.refusals()).isEqualTo(1);
        assertThat(policy.isBelieved(noon.plusSeconds(600))).isFalse();
    }

    @Test
    void an_account_that_needed_a_login_before_is_believed_at_once() {
        assertThat(AuthFailurePolicy.with(History.REFUSED_BEFORE).refused(noon).isBelieved(noon))
                .isTrue();
    }

    @Test
    void pauses_together_last_as_long_as_the_proof_time() {
        AuthFailurePolicy policy = AuthFailurePolicy.with(History.WORKED_BEFORE);

        assertThat(policy.pause(0).multipliedBy(AuthFailurePolicy.REFUSALS - 1))
                .isGreaterThanOrEqualTo(AuthFailurePolicy.PROOF_TIME);
    }
}
