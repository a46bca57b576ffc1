package org.postbus.devstack.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Child processes of an earlier JVM that was killed. Each child's pid and the time of its start are in a file beside its log; a process that has
 * the pid by chance, also on another machine, has another time.
 */
public final class Orphans {
    private static final String SUFFIX = ".pid";
    private static final Duration END_WAIT = Duration.ofSeconds(20);

    private Orphans() {}

    static Path fileOf(String name, Path log) {
        return log.resolveSibling(name + SUFFIX);
    }

    static void record(Process process, Path file) throws IOException {
        String started = process.info()
                .startInstant()
                .map(Instant::toEpochMilli)
                .map(String::valueOf)
                .orElse("");
        Secrets.writePrivately(file, process.pid() + " " + started + "\n");
    }

    /** SIGINT, by which PostgreSQL ends without waiting for its clients. Does not wait for the end. */
    public static void interrupt(ProcessHandle process) {
        try {
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException("process " + process.pid() + " could not be ended", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Ends every child that is recorded in the directory and still runs: SIGINT and SIGTERM, and SIGKILL after 20 s. Waits for the end.
     *
     * @param progress is told which
     */
    public static void end(Path directory, Consumer<String> progress) {
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.filter(file -> file.toString().endsWith(SUFFIX))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<ProcessHandle> orphans =
                files.stream().map(Orphans::recorded).flatMap(Optional::stream).toList();
        if (!orphans.isEmpty()) {
            progress.accept("  Ending " + orphans.size() + " processes of a run that was killed");
        }
        orphans.forEach(Orphans::interrupt);
        orphans.forEach(ProcessHandle::destroy);
        long deadline = System.nanoTime() + END_WAIT.toNanos();
        orphans.forEach(orphan -> awaitEnd(orphan, deadline));
    }

    private static void awaitEnd(ProcessHandle orphan, long deadline) {
        try {
            orphan.onExit().get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            orphan.destroyForcibly();
            orphan.onExit().join();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the end of process " + orphan.pid(), e);
        }
    }

    /** The process that the file names, if it still runs. */
    private static Optional<ProcessHandle> recorded(Path file) {
        try {
            String[] words = Files.readString(file).strip().split(" ");
            if (words.length != 2) {
                return Optional.empty();
            }
            long started = Long.parseLong(words[1]);
            return ProcessHandle.of(Long.parseLong(words[0]))
                    .filter(process -> process.info()
                            .startInstant()
                            .map(Instant::toEpochMilli)
                            .filter(time -> time == started)
                            .isPresent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NumberFormatException e) {
            // Not ours: it names no process.
            return Optional.empty();
        }
    }
}
