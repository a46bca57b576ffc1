package org.postbus.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postbus.bench.measure.Figures;
import org.postbus.bench.sync.SyncBench;

class OptionsTest {
    @Test
    void options_are_taken_one_after_the_other() {
        SyncBench.Options options = SyncBench.Options.parse(words("--server dovecot --messages 200 --runs 2"));

        assertThat(options)
                .isEqualTo(new SyncBench.Options(SyncBench.Server.DOVECOT, 200, 2, List.of(SyncBench.Protocol.IMAP)));
    }

    @Test
    void james_is_measured_over_both_protocols() {
        assertThat(SyncBench.Options.parse(words("")).protocols()).containsExactly(SyncBench.Protocol.values());
    }

    @Test
    void what_makes_no_sense_is_refused() {
        for (String wrong :
                List.of("--server exchange", "--runs 0", "--runs", "--depth 3", "--server dovecot --protocol jmap")) {
            assertThatThrownBy(() -> SyncBench.Options.parse(words(wrong)))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void a_percentile_is_one_of_the_values() {
        double[] values = {5, 1, 4, 2, 3};

        assertThat(Figures.percentile(values, 50)).isEqualTo(3);
        assertThat(Figures.percentile(values, 99)).isEqualTo(5);
        assertThat(Figures.percentile(new double[] {7}, 50)).isEqualTo(7);
    }

    private static Deque<String> words(String line) {
        return new ArrayDeque<>(line.isEmpty() ? List.of() : List.of(line.split(" ")));
    }
}
