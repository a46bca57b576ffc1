package org.postbus.devstack.postgres;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;

/** PgBouncer in transaction mode before a database on loopback, for tests. It has to be installed on the machine. */
public final class PgBouncer implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/sbin/pgbouncer");

    private final ChildProcess process;
    private final Path directory;
    private final Database database;

    private PgBouncer(ChildProcess process, Path directory, Database database) {
        this.process = process;
        this.directory = directory;
        this.database = database;
    }

    public static boolean isInstalled() {
        return Files.isExecutable(PROGRAM);
    }

    /**
     * @param connections to the server for each role; clients may have many more
     * @param log receives its output
     */
    public static PgBouncer start(Database database, int connections, Path log) {
        try {
            Path directory = Files.createTempDirectory("postbus-pgbouncer-");
            int port = FreePort.find();
            StringBuilder users = new StringBuilder();
            database.passwords()
                    .forEach((role, password) -> users.append('"')
                            .append(role.user())
                            .append("\" \"")
                            .append(password.reveal())
                            .append("\"\n"));
            Path userFile = Files.writeString(directory.resolve("users"), users);
            Path configuration = Files.writeString(
                    directory.resolve("pgbouncer.ini"),
                    String.join(
                            "\n",
                            "[databases]",
                            "* = host=" + Database.HOST + " port=" + database.port(),
                            "[pgbouncer]",
                            "listen_addr = " + Database.HOST,
                            "listen_port = " + port,
                            "unix_socket_dir =",
                            "auth_type = scram-sha-256",
                            "auth_file = " + userFile,
                            "pool_mode = transaction",
                            "default_pool_size = " + connections,
                            "max_client_conn = 500",
                            "ignore_startup_parameters = extra_float_digits",
                            ""));
            List<String> command = new ArrayList<>(List.of(PROGRAM.toString()));
            if (System.getProperty("user.name").equals("root")) {
                // It refuses to run as root, and reads its files as this user.
                for (Path readable : List.of(directory, userFile, configuration)) {
                    Files.setPosixFilePermissions(readable, PosixFilePermissions.fromString("rwxr-xr-x"));
                }
                command.addAll(List.of("-u", "nobody"));
            }
            command.add(configuration.toString());
            ChildProcess process = ChildProcess.start("pgbouncer", command, Map.of(), directory, log);
            process.awaitReady(() -> {
                try (Socket socket = new Socket(InetAddress.getByName(Database.HOST), port)) {
                    return socket.isConnected();
                }
            });
            return new PgBouncer(
                    process,
                    directory,
                    new Database(port, database.name(), database.adminPassword(), database.passwords()));
        } catch (IOException e) {
            throw new UncheckedIOException("PgBouncer did not start", e);
        }
    }

    /** The database, by way of the pooler; the administrator cannot log in here. */
    public Database database() {
        return database;
    }

    @Override
    public void close() {
        process.close();
        Directories.delete(directory);
    }
}
