package org.postbus.fetcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InfrastructureOutageTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int LOOPS = 100;

    private final InfrastructureOutage outage = new InfrastructureOutage();
    private final AtomicInteger tries = new AtomicInteger();

    @Test
    void nobody_waits_while_everything_works() throws Exception {
        outage.awaitTurn();
        outage.failed("no connection", Instant.EPOCH);
        outage.works();
        outage.awaitTurn();
        assertThat(outage.present()).isEmpty();
    }

    @Test
    void one_at_a_time_tries_and_its_success_lets_all_go_on() {
        outage.failed("no connection", Instant.EPOCH);
        for (int i = 0; i < LOOPS; i++) {
            Thread.ofVirtual().start(this::tryInTurn);
        }

        await().atMost(SOON).until(() -> tries.get() >= 2);
        assertThat(tries).hasValueLessThan(LOOPS / 2);
        outage.works();

        await().atMost(SOON).untilAsserted(() -> assertThat(tries).hasValue(LOOPS));
    }

    @Test
    void it_lasts_from_the_first_failure_on() {
        outage.failed("first", Instant.EPOCH);
        outage.failed("second", Instant.EPOCH.plusSeconds(5));
        assertThat(outage.present()).contains(new InfrastructureOutage.Failure(Instant.EPOCH, "second"));
    }

    private void tryInTurn() {
        try {
            outage.awaitTurn();
            tries.incrementAndGet();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
