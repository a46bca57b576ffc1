package org.postbus.devstack.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postbus.devstack.local.Supervisor.Pauses;
import org.postbus.devstack.process.ChildProcess;

class SupervisorTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Pauses QUICK = new Pauses(Duration.ofMillis(10), Duration.ofMillis(40), Duration.ofMinutes(5));

    @TempDir
    Path directory;

    private final List<String> told = new CopyOnWriteArrayList<>();

    @Test
    void pauses_grow_and_begin_anew_after_a_long_run() {
        Pauses pauses = Supervisor.PAUSES;
        Duration none = Duration.ZERO;
        assertThat(pauses.after(none, none)).isEqualTo(Duration.ofSeconds(1));
        assertThat(pauses.after(Duration.ofSeconds(1), Duration.ofSeconds(10))).isEqualTo(Duration.ofSeconds(2));
        assertThat(pauses.after(Duration.ofSeconds(32), Duration.ofSeconds(10))).isEqualTo(Duration.ofSeconds(60));
        assertThat(pauses.after(Duration.ofSeconds(60), Duration.ofSeconds(10))).isEqualTo(Duration.ofSeconds(60));
        assertThat(pauses.after(Duration.ofSeconds(60), Duration.ofMinutes(6))).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void a_child_that_ends_is_started_again_and_another_one_goes_on() {
        AtomicReference<ChildProcess> first = new AtomicReference<>(sleeping("first"));
        AtomicReference<ChildProcess> second = new AtomicReference<>(sleeping("second"));
        try (Supervisor supervisor = new Supervisor(QUICK, told::add)) {
            watch(supervisor, "first", first);
            watch(supervisor, "second", second);
            ChildProcess other = second.get();

            for (int i = 1; i <= 3; i++) {
                ChildProcess killed = first.get();
                killed.kill();
                int times = i;
                await().atMost(SOON)
                        .until(() -> told.stream()
                                        .filter(line -> line.contains("first runs again"))
                                        .count()
                                == times);
                assertThat(first.get().pid()).isNotEqualTo(killed.pid());
                assertThat(first.get().isAlive()).isTrue();
            }

            assertThat(second.get()).isSameAs(other);
            assertThat(told).anyMatch(line -> line.contains("first ended with exit code 137") && line.contains("log"));
            assertThat(told).noneMatch(line -> line.contains("second"));
        } finally {
            first.get().kill();
            second.get().kill();
        }
    }

    @Test
    void a_start_that_fails_is_repeated() {
        AtomicReference<ChildProcess> child = new AtomicReference<>(sleeping("child"));
        int[] starts = {0};
        try (Supervisor supervisor = new Supervisor(QUICK, told::add)) {
            supervisor.watch(new Supervisor.Child("child", child::get, () -> {
                if (++starts[0] < 4) {
                    throw new IllegalStateException("no such luck");
                }
                child.set(sleeping("child"));
            }));
            child.get().kill();
            await().atMost(SOON).until(() -> told.stream().anyMatch(line -> line.contains("child runs again")));
            assertThat(told.stream().filter(line -> line.contains("no such luck")))
                    .hasSize(3);
        } finally {
            child.get().kill();
        }
    }

    @Test
    void after_the_end_nothing_is_started_again() throws Exception {
        AtomicReference<ChildProcess> child = new AtomicReference<>(sleeping("child"));
        ChildProcess only = child.get();
        Supervisor supervisor = new Supervisor(QUICK, told::add);
        watch(supervisor, "child", child);
        supervisor.close();
        only.kill();
        Thread.sleep(200);
        assertThat(child.get()).isSameAs(only);
        assertThat(told).isEmpty();
    }

    private void watch(Supervisor supervisor, String name, AtomicReference<ChildProcess> child) {
        supervisor.watch(new Supervisor.Child(name, child::get, () -> child.set(sleeping(name))));
    }

    private ChildProcess sleeping(String name) {
        return ChildProcess.start(name, List.of("sleep", "600"), Map.of(), directory, directory.resolve(name + ".log"));
    }
}
