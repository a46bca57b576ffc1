package org.postbus.devstack.postgres;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.postbus.account.Secret;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.Orphans;
import org.postbus.devstack.process.Secrets;

/**
 * The data directory of a server, and the server on it. A start always works on what the one before left: a directory that was not filled to the
 * end, the pid file and the processes of a server that was killed, a pid file of another machine.
 */
final class Cluster {
    /** In which the processes of a server that was killed end. */
    private static final Duration PREDECESSOR_WAIT = Duration.ofMinutes(2);

    private static final Duration AGAIN_PAUSE = Duration.ofMillis(500);
    /** PostgreSQL's words for processes of the server before, which see within moments that it has ended. */
    private static final String STILL_IN_USE = "pre-existing shared memory block";

    private static final String RULES = "host all all 127.0.0.1/32 scram-sha-256\n";

    private final Path directory;
    private final Path data;
    /** Exists until the server has run for the first time. */
    private final Path unfinished;

    private final Path log;
    private final boolean durable;
    private final Database admin;

    /** @param directory with the file {@code admin-password} */
    Cluster(Path directory, int port, Secret adminPassword, boolean durable, Path log) {
        this.directory = directory;
        this.data = directory.resolve("data");
        this.unfinished = directory.resolve("unfinished");
        this.log = log;
        this.durable = durable;
        this.admin = new Database(port, "postgres", adminPassword, Map.of());
    }

    /** Returns when the server can be used. */
    ChildProcess start() throws IOException {
        PostgresBinaries binaries = PostgresBinaries.find();
        endPredecessor();
        if (Files.exists(unfinished)) {
            Directories.delete(data);
        }
        if (!Files.exists(data.resolve("PG_VERSION"))) {
            Secrets.createPrivate(unfinished);
            create(binaries);
        }
        if (!Files.readString(data.resolve("pg_hba.conf")).equals(RULES)) {
            // One rule for every login. initdb also writes rules for IPv6 and for replication.
            Files.writeString(data.resolve("pg_hba.conf"), RULES);
        }
        ChildProcess server = launch(binaries);
        Files.deleteIfExists(unfinished);
        return server;
    }

    private void create(PostgresBinaries binaries) {
        // No moment in which a login needs no password.
        List<String> arguments = List.of(
                "-A",
                "scram-sha-256",
                "--pwfile=" + directory.resolve("admin-password"),
                "-U",
                Database.ADMIN,
                "-D",
                data.toString(),
                "-E",
                "UTF-8",
                "--locale=C");
        ChildProcess.start("postgres-initdb", binaries.command("initdb", arguments), Map.of(), directory, log)
                .awaitSuccess();
    }

    private ChildProcess launch(PostgresBinaries binaries) throws IOException {
        long deadline = System.nanoTime() + PREDECESSOR_WAIT.toNanos();
        while (true) {
            long logged = Files.exists(log) ? Files.size(log) : 0;
            ChildProcess server =
                    ChildProcess.start("postgres", binaries.command("postgres", arguments()), Map.of(), directory, log);
            try {
                server.awaitReady(this::isReady);
                return server;
            } catch (IllegalStateException e) {
                if (System.nanoTime() > deadline || !loggedSince(logged).contains(STILL_IN_USE)) {
                    throw e;
                }
            }
            pause();
        }
    }

    private List<String> arguments() {
        String safe = durable ? "on" : "off";
        List<String> arguments = new ArrayList<>(List.of("-D", data.toString(), "-p", Integer.toString(admin.port())));
        for (String setting : List.of(
                "listen_addresses=" + Database.HOST,
                "unix_socket_directories=",
                "max_connections=200",
                "shared_buffers=256MB",
                "max_wal_size=1GB",
                "fsync=" + safe,
                "full_page_writes=" + safe,
                "synchronous_commit=" + safe)) {
            arguments.addAll(List.of("-c", setting));
        }
        return arguments;
    }

    private boolean isReady() throws IOException {
        try (Connection connection = admin.connectAsAdmin()) {
            return connection.isValid(5);
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }

    private String loggedSince(long position) throws IOException {
        byte[] all = Files.readAllBytes(log);
        return new String(all, (int) position, all.length - (int) position, StandardCharsets.UTF_8);
    }

    /**
     * Ends the server that the pid file names. If another program has the pid by now, the file is of another time or machine; PostgreSQL would refuse
     * to start beside it. The file stays nevertheless: by the rest of it PostgreSQL finds processes that still use the data. It ignores the pid of
     * its parent.
     */
    private void endPredecessor() throws IOException {
        Path file = data.resolve("postmaster.pid");
        Optional<ProcessHandle> named = Files.exists(file) ? pid(file).flatMap(ProcessHandle::of) : Optional.empty();
        if (named.isEmpty()) {
            return;
        }
        ProcessHandle process = named.get();
        if (isOurServer(process)) {
            Orphans.interrupt(process);
            try {
                process.onExit()
                        .orTimeout(PREDECESSOR_WAIT.toSeconds(), TimeUnit.SECONDS)
                        .join();
            } catch (CompletionException e) {
                process.destroyForcibly();
                process.onExit().join();
            }
        } else {
            List<String> lines = new ArrayList<>(Files.readAllLines(file));
            lines.set(0, Long.toString(ProcessHandle.current().pid()));
            Files.write(file, lines);
        }
    }

    private boolean isOurServer(ProcessHandle process) {
        return process.info().command().orElse("").endsWith("postgres")
                && process.info()
                        .arguments()
                        .map(arguments -> List.of(arguments).contains(data.toString()))
                        .orElse(true);
    }

    private static Optional<Long> pid(Path file) throws IOException {
        try {
            return Files.readAllLines(file).stream().findFirst().map(line -> Long.parseLong(line.strip()));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(AGAIN_PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while PostgreSQL started", e);
        }
    }
}
