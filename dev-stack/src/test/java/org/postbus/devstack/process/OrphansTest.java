package org.postbus.devstack.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrphansTest {
    /** Starts a child, ends the process that would end it, prints both pids, and never ends by itself. */
    public static final class Parent {
        public static void main(String[] arguments) throws Exception {
            Path directory = Path.of(arguments[0]);
            ChildProcess child =
                    ChildProcess.start("sleep", List.of("sleep", "600"), Map.of(), directory, directory.resolve("log"));
            System.out.println(child.pid());
            for (ProcessHandle reaper : ProcessHandle.current()
                    .children()
                    .filter(other -> other.pid() != child.pid())
                    .toList()) {
                reaper.destroyForcibly();
                reaper.onExit().join();
            }
            System.out.println("ready");
            Thread.currentThread().join();
        }
    }

    @TempDir
    Path directory;

    private final List<String> told = new ArrayList<>();

    @Test
    void children_of_a_jvm_that_was_killed_together_with_its_reaper_are_ended() throws Exception {
        Process parent = new ProcessBuilder(ChildProcess.java(
                        "64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Parent.class.getName(),
                        directory.toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        ProcessHandle child;
        try (BufferedReader output = new BufferedReader(new InputStreamReader(parent.getInputStream()))) {
            child = ProcessHandle.of(Long.parseLong(output.readLine())).orElseThrow();
            assertThat(output.readLine()).isEqualTo("ready");
            parent.destroyForcibly();
            parent.waitFor();
        }
        assertThat(child.info().command()).isPresent();

        Orphans.end(directory, told::add);

        assertThat(child.info().command()).isEmpty();
        assertThat(told).hasSize(1);
    }

    @Test
    void another_program_with_the_same_pid_goes_on() throws Exception {
        try (ChildProcess other = ChildProcess.start(
                "other", List.of("sleep", "600"), Map.of(), directory, directory.resolve("elsewhere/log"))) {
            Files.writeString(directory.resolve("gateway-1.pid"), other.pid() + " 1700000000000\n");
            Files.writeString(directory.resolve("writer-1.pid"), "");

            Orphans.end(directory, told::add);

            assertThat(other.isAlive()).isTrue();
            assertThat(told).isEmpty();
        }
    }
}
