package org.postbus.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.postbus.devstack.Dovecot;
import org.postbus.system.Running;

/** That the benchmarks still measure something, at a size at which the figures mean nothing. */
class BenchIT {

    @Test
    void idle_accounts_are_counted_and_weighed() {
        String printed = printed(
                (stage, out) -> new IdleBench(new IdleBench.Options(20, false, Duration.ofSeconds(1)), out).run(stage));

        assertThat(printed).contains("| 4 | 4 |").contains("| 20 | 20 |").contains("20 accounts: ");
    }

    @Test
    void arrivals_are_timed_on_every_way() {
        assumeTrue(Dovecot.isInstalled(), "Dovecot is not installed");

        String printed = printed((stage, out) -> new LatencyBench(new LatencyBench.Options(2, 3, 1), out).run(stage));

        assertThat(printed).contains("| APPEND to INBOX | 2 |").contains("| APPEND to Archive | 1 |");
    }

    private static String printed(BiConsumer<Stage, PrintStream> bench) {
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(octets, true, StandardCharsets.UTF_8);
        try (Stage stage = Stage.on(Running.get().postbus, Running.DIRECTORY)) {
            bench.accept(stage, out);
        }
        return octets.toString(StandardCharsets.UTF_8);
    }
}
