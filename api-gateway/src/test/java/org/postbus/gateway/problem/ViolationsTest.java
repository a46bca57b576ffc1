package org.postbus.gateway.problem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postbus.codec.EventCodec;
import org.postbus.gateway.problem.Problem.Violation;

class ViolationsTest {
    @Test
    void the_first_are_shown_and_the_others_counted() {
        // Given
        Violations violations = new Violations();
        for (int i = 0; i < 1_000; i++) {
            violations.add(Violation.at("wrong " + i, "list", "" + i));
        }

        // When
        ProblemException refused = catchThrowableOfType(ProblemException.class, violations::throwIfAny);

        // Then
        assertThat(violations.count()).isEqualTo(1_000);
        assertThat(refused.problem().errors().orElseThrow()).hasSize(51);
        assertThat(refused.problem().errors().orElseThrow().getLast()).isEqualTo(new Violation("and 950 more", "#"));
        assertThat(refused.problem().detail().orElseThrow()).contains("wrong 49; and 950 more");
    }

    @Test
    void a_list_that_is_long_already_is_cut_off() {
        Problem problem = Problem.invalid(Collections.nCopies(3_000, Violation.at("wrong", "name")))
                .problem();

        assertThat(problem.errors().orElseThrow()).hasSize(51);
        assertThat(problem.errors().orElseThrow().getLast().detail()).isEqualTo("and 2950 more");
    }

    @Test
    void texts_of_the_request_are_shortened_and_valid_unicode() {
        // Given
        String name = "\ud800a\0b\udc00\ud83d\ude00" + "x".repeat(100_000);

        // When
        Violation violation = Violation.at("unknown property " + name, name);
        JsonNode json = EventCodec.decode(
                EventCodec.encode(
                        Problem.invalid(Collections.nCopies(60, violation)).problem()),
                JsonNode.class);

        // Then
        assertThat(violation.pointer())
                .startsWith("#/\uFFFDa\uFFFDb\uFFFD\ud83d\ude00xxx")
                .hasSize(2 + 200 + 1);
        assertThat(violation.detail()).hasSize(401);
        assertThat(json.at("/errors/0/pointer").asText()).isEqualTo(violation.pointer());
    }

    /** The text of a problem was once built by appending each violation to all before it: 100,000 took 24 s. */
    @Test
    @Timeout(5)
    void a_hundred_thousand_take_no_time() {
        assertThat(Problem.invalid(Collections.nCopies(100_000, Violation.at("unknown property x1234567", "x1234567")))
                        .problem()
                        .detail()
                        .orElseThrow())
                .hasSizeLessThan(10_000);
    }
}
