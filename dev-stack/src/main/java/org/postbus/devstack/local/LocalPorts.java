package org.postbus.devstack.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.postbus.devstack.process.FreePort;
import org.postbus.devstack.process.Secrets;

/** The ports of a Postbus on this machine. */
final class LocalPorts {
    /** In which what has the port ends: a gateway whose launcher was killed, of a build that did not record it. */
    private static final Duration WAIT = Duration.ofSeconds(25);

    private static final Duration PAUSE = Duration.ofMillis(200);

    private LocalPorts() {}

    /** The port of the last run if it is free, so that addresses stay the same over a restart; else another one, which is stored. */
    static int stored(Path file) {
        try {
            if (Files.exists(file)) {
                int port = Integer.parseInt(Files.readString(file).strip());
                if (FreePort.isFree(port)) {
                    return port;
                }
            }
            int port = FreePort.find();
            Secrets.writePrivately(file, port + "\n");
            return port;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @param progress is told if it has to wait
     * @throws IllegalStateException if the port stays in use
     */
    static void awaitFree(int port, Consumer<String> progress) {
        if (FreePort.isFree(port)) {
            return;
        }
        progress.accept("  Port " + port + " is in use; waiting up to " + WAIT.toSeconds() + " s until it is free");
        long deadline = System.nanoTime() + WAIT.toNanos();
        while (!FreePort.isFree(port)) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "port " + port + " is in use by another program: choose one with --port");
            }
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for port " + port, e);
            }
        }
    }
}
