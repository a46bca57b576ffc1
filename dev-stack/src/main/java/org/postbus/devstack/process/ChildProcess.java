package org.postbus.devstack.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A child process with its output in a log file. It does not outlive this JVM for long ({@link ChildReaper}), and what still does is found by the
 * next one ({@link Orphans}). Ctrl-C does not reach it: the parent ends its children in order.
 */
public final class ChildProcess implements AutoCloseable {
    private static final Duration PROBE_PAUSE = Duration.ofMillis(100);
    private static final Duration STOP_WAIT = Duration.ofSeconds(20);
    /** In this time a process that starts uses at least {@link #PROGRESS_CPU_MIN}, or writes to its log. */
    private static final Duration PROGRESS_MAX = Duration.ofMinutes(3);

    private static final Duration PROGRESS_CPU_MIN = Duration.ofSeconds(2);
    private static final int TAIL_LINES = 20;
    private static final long TAIL_BYTES_MAX = 64 * 1024;

    private final String name;
    private final Process process;
    private final Path log;

    private ChildProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /** Returns whether the process is ready; an {@link IOException} means not yet. */
    public interface Probe {
        boolean isReady() throws IOException;
    }

    /** Starts a program. Its output is appended to {@code log}. Nobody but its owner can read the files that it creates. */
    public static ChildProcess start(
            String name, List<String> command, Map<String, String> environment, Path directory, Path log) {
        try {
            Files.createDirectories(directory);
            Files.createDirectories(log.toAbsolutePath().getParent());
            Secrets.createPrivate(log);
            List<String> line = new ArrayList<>(List.of("sh", "-c", "umask 077; trap '' INT HUP; exec \"$@\"", "sh"));
            line.addAll(command);
            ProcessBuilder builder = new ProcessBuilder(line)
                    .directory(directory.toFile())
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().putAll(environment);
            Process process = builder.start();
            ChildReaper.register(process.pid());
            Orphans.record(process, Orphans.fileOf(name, log));
            process.onExit().thenRun(() -> ChildReaper.release(process.pid()));
            return new ChildProcess(name, process, log);
        } catch (IOException e) {
            throw new UncheckedIOException(name + " did not start", e);
        }
    }

    /** A command line for the {@code java} of this JVM, with options for a machine that runs many JVMs. */
    public static List<String> java(String maxHeap, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + maxHeap,
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError"));
        if (Runtime.version().feature() >= 23) {
            // Netty and Jackson still use it; JDK 21 does not have the option.
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        if (Runtime.version().feature() >= 25) {
            // Reduces the heap, most of an idle account's memory, by a tenth.
            command.add("-XX:+UseCompactObjectHeaders");
        }
        command.addAll(List.of(arguments));
        return command;
    }

    public String name() {
        return name;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Completes when the process has ended, with any exit code. */
    public CompletableFuture<Process> onExit() {
        return process.onExit();
    }

    /**
     * Waits for as long as the start makes progress: a slow machine may take long. It makes none if the process neither computes nor logs for 3
     * minutes.
     *
     * @throws IllegalStateException with the end of the log, if the process ends before it is ready or makes no progress
     */
    public void awaitReady(Probe probe) {
        awaitReady(PROGRESS_MAX, probe);
    }

    /** @param progressMax as the 3 minutes of {@link #awaitReady(Probe)} */
    public void awaitReady(Duration progressMax, Probe probe) {
        long deadline = System.nanoTime() + progressMax.toNanos();
        Progress last = progress();
        try {
            while (!isReady(probe)) {
                if (process.waitFor(PROBE_PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new IllegalStateException(
                            name + " ended with exit code " + process.exitValue() + " while it started" + logTail());
                }
                Progress now = progress();
                if (now.isBeyond(last)) {
                    last = now;
                    deadline = System.nanoTime() + progressMax.toNanos();
                } else if (System.nanoTime() > deadline) {
                    close();
                    throw new IllegalStateException(name + " was not ready and made no progress for "
                            + progressMax.toSeconds() + " s" + logTail());
                }
            }
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + name, e);
        }
    }

    private record Progress(Duration cpu, long logged) {
        private boolean isBeyond(Progress earlier) {
            return logged != earlier.logged || cpu.minus(earlier.cpu).compareTo(PROGRESS_CPU_MIN) >= 0;
        }
    }

    private Progress progress() {
        long logged;
        try {
            logged = Files.size(log);
        } catch (IOException e) {
            logged = 0;
        }
        return new Progress(process.info().totalCpuDuration().orElse(Duration.ZERO), logged);
    }

    /** @throws IllegalStateException with the end of the log, if the process does not end with exit code 0 */
    public void awaitSuccess() {
        awaitSuccess(Duration.ofDays(1));
    }

    /** As {@link #awaitSuccess()}, within {@code limit}. */
    public void awaitSuccess(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS) || process.exitValue() != 0) {
                kill();
                throw new IllegalStateException(name + " failed" + logTail());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + name, e);
        }
    }

    /** SIGKILL, as by the kernel's out-of-memory killer. Waits for the end. */
    public void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** SIGTERM, and SIGKILL after 20 s. Waits for the end. */
    @Override
    public void close() {
        process.destroy();
        awaitEnd(STOP_WAIT);
    }

    /** SIGINT, and SIGKILL after {@code limit}. Waits for the end. */
    public void interrupt(Duration limit) {
        if (process.isAlive()) {
            Orphans.interrupt(process.toHandle());
        }
        awaitEnd(limit);
    }

    private void awaitEnd(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                kill();
            }
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
        }
    }

    /** With its output. */
    public Path log() {
        return log;
    }

    /** The log's name and last lines, for an error message. */
    public String logTail() {
        try (var file = Files.newByteChannel(log)) {
            file.position(Math.max(0, file.size() - TAIL_BYTES_MAX));
            List<String> lines = new String(Channels.newInputStream(file).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            return "; the end of " + log + ":\n  "
                    + String.join("\n  ", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
        } catch (IOException e) {
            return "; its log " + log + " cannot be read: " + e;
        }
    }

    private static boolean isReady(Probe probe) {
        try {
            return probe.isReady();
        } catch (IOException e) {
            return false;
        }
    }
}
