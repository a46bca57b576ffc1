package org.postbus.devstack.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildReaperTest {
    /** Starts a child, registers a temporary directory, prints the child's pid, and never ends by itself. */
    public static final class Parent {
        public static void main(String[] arguments) throws Exception {
            Path temporary = Path.of(arguments[0]);
            ChildReaper.removeAtEnd(temporary);
            ChildProcess child =
                    ChildProcess.start("sleep", List.of("sleep", "600"), Map.of(), temporary, temporary.resolve("log"));
            System.out.println(child.pid());
            Thread.currentThread().join();
        }
    }

    @Test
    void children_and_temporary_directories_are_removed_when_the_parent_is_killed(@TempDir Path directory)
            throws Exception {
        Path temporary = Files.createDirectory(directory.resolve("temporary"));
        Process parent = new ProcessBuilder(ChildProcess.java(
                        "64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Parent.class.getName(),
                        temporary.toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        long child;
        try (BufferedReader output = new BufferedReader(new InputStreamReader(parent.getInputStream()))) {
            child = Long.parseLong(output.readLine());
        }
        assertThat(isRunning(child)).isTrue();
        parent.destroyForcibly();
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            assertThat(isRunning(child)).isFalse();
            assertThat(temporary).doesNotExist();
        });
    }

    /** A zombie process has no command. */
    private static boolean isRunning(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(process -> process.info().command())
                .isPresent();
    }
}
