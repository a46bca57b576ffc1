package org.postbus.devstack.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildProcessTest {
    @TempDir
    Path directory;

    @Test
    void an_exit_during_the_start_is_reported_with_the_end_of_the_log() {
        ChildProcess child = start("echo no such luck; exit 3");
        assertThatThrownBy(() -> child.awaitReady(() -> false))
                .hasMessageContainingAll("child", "exit code 3", "no such luck", log().toString());
    }

    @Test
    void a_process_that_neither_computes_nor_logs_is_ended() {
        ChildProcess child = start("exec sleep 600");
        assertThatThrownBy(() -> child.awaitReady(Duration.ofMillis(300), () -> false))
                .hasMessageContaining("made no progress");
        assertThat(child.isAlive()).isFalse();
    }

    @Test
    void a_process_that_logs_or_computes_may_take_long() throws Exception {
        for (String work : List.of("while :; do echo step; sleep 0.1; done", "while :; do :; done")) {
            long[] began = {System.nanoTime()};
            try (ChildProcess child = start(work)) {
                // Longer than the time without progress.
                child.awaitReady(
                        Duration.ofSeconds(6),
                        () -> System.nanoTime() - began[0]
                                > Duration.ofSeconds(9).toNanos());
            }
        }
    }

    @Test
    void a_failing_probe_is_repeated() {
        long[] probes = {0};
        try (ChildProcess child = start("exec sleep 600")) {
            child.awaitReady(() -> {
                if (probes[0]++ < 2) {
                    throw new java.io.IOException("refused");
                }
                return true;
            });
        }
        assertThat(probes[0]).isEqualTo(3);
    }

    private ChildProcess start(String script) {
        return ChildProcess.start("child", List.of("sh", "-c", script), Map.of(), directory, log());
    }

    private Path log() {
        return directory.resolve("child.log");
    }
}
