package org.postbus.bench.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postbus.bench.options.Protocol;
import org.postbus.bench.options.Server;

class SyncOptionsTest {
    @Test
    void options_change_the_defaults() {
        SyncOptions options = SyncOptions.parse(words("--server dovecot --messages 200 --runs 2"));

        assertThat(options).isEqualTo(new SyncOptions(Server.DOVECOT, 200, 2, List.of(Protocol.IMAP)));
    }

    @Test
    void james_is_measured_over_both_protocols() {
        assertThat(SyncOptions.parse(words("")).protocols()).containsExactly(Protocol.values());
    }

    @Test
    void invalid_options_are_rejected() {
        for (String wrong :
                List.of("--server exchange", "--runs 0", "--runs", "--depth 3", "--server dovecot --protocol jmap")) {
            assertThatThrownBy(() -> SyncOptions.parse(words(wrong)))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static Deque<String> words(String line) {
        return new ArrayDeque<>(line.isEmpty() ? List.of() : List.of(line.split(" ")));
    }
}
