package org.postbus.devstack.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.postbus.devstack.admin.Admin;
import org.postbus.devstack.admin.AdminCommand;
import org.postbus.devstack.keyset.KeysetAdministration;
import org.postbus.devstack.keyset.KeysetCommand;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.options.Options;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.ProjectRoot;
import org.postbus.devstack.process.Secrets;

/**
 * The program behind {@code ./postbus up}, {@code demo}, {@code tenant}, {@code key} and {@code keyset}. Exit codes: 0 success, 1 failure or another Postbus runs
 * from the same directory, 2 invalid arguments.
 */
public final class Main {
    private static final int FETCHERS_MAX = 64;
    private static final int API_PORT = 8080;
    private static final int PORT_MAX = 65_535;

    /** Keeps the channel reachable; its lock ends with it. */
    private static FileChannel lockedFile;

    private Main() {}

    /** What the command line asks for. */
    sealed interface Command {
        record Demo(boolean once) implements Command {}

        record Up(int port, Path data, int fetchers) implements Command {}

        record Administer(AdminCommand.Invocation invocation) implements Command {}

        record Rotate(KeysetCommand.Invocation invocation) implements Command {}

        record Help() implements Command {}

        record Invalid(String why) implements Command {}

        static Command parse(List<String> arguments) {
            try {
                return switch (arguments.isEmpty() ? "help" : arguments.getFirst()) {
                    case "demo" -> demo(Options.parse(arguments, Set.of("--once")));
                    case "up" -> up(Options.parse(arguments, Set.of()));
                    case "tenant", "key" -> new Administer(AdminCommand.parse(arguments, defaultData()));
                    case "keyset" -> new Rotate(KeysetCommand.parse(arguments, defaultData()));
                    case "help", "--help", "-h" -> new Help();
                    default -> new Invalid("no such command: " + arguments.getFirst());
                };
            } catch (IllegalArgumentException e) {
                return new Invalid(e.getMessage());
            }
        }

        private static Command demo(Options options) {
            options.word("demo");
            Demo demo = new Demo(options.flag("--once"));
            options.end();
            return demo;
        }

        private static Command up(Options options) {
            options.word("up");
            Up up = new Up(
                    options.number("--port", API_PORT, PORT_MAX),
                    options.path("--data").orElseGet(Command::defaultData),
                    options.number("--fetchers", 1, FETCHERS_MAX));
            options.end();
            return up;
        }

        private static Path defaultData() {
            return ProjectRoot.find().resolve(".postbus/up");
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        switch (Command.parse(List.of(arguments))) {
            case Command.Help() -> System.out.print(usage());
            case Command.Invalid(String why) -> {
                System.err.println("postbus: " + why + "\n");
                System.err.print(usage());
                System.exit(2);
            }
            case Command.Administer(AdminCommand.Invocation invocation) -> System.exit(administer(invocation));
            case Command.Rotate(KeysetCommand.Invocation invocation) -> System.exit(rotate(invocation));
            case Command.Up up -> {
                lock(up.data());
                System.exit(up(up));
            }
            case Command.Demo demo -> {
                Path directory = ProjectRoot.find().resolve(".postbus/demo");
                lock(directory);
                empty(directory);
                System.exit(Demo.run(directory, demo.once()) ? 0 : 1);
            }
        }
    }

    private static int administer(AdminCommand.Invocation invocation) {
        try {
            Admin.run(invocation, System.out);
            return 0;
        } catch (Admin.FailedException e) {
            System.err.println("postbus: " + e.getMessage());
            return 1;
        }
    }

    /** Returns the exit code. */
    private static int rotate(KeysetCommand.Invocation invocation) throws InterruptedException {
        try {
            KeysetAdministration.run(
                    invocation, Optional.ofNullable(System.getenv("POSTBUS_KEYSET_KEK_URI")), System.out);
            return 0;
        } catch (FileAlreadyExistsException e) {
            System.err.println("postbus: " + e.getMessage() + " exists, and a keyset is never overwritten");
        } catch (Admin.FailedException | IllegalStateException | IOException e) {
            System.err.println("postbus: " + e.getMessage());
        }
        return 1;
    }

    /** The script {@code postbus} prints the same file. */
    private static String usage() throws IOException {
        try (InputStream text = Main.class.getResourceAsStream("usage.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Returns the exit code if the start failed. Ctrl-C ends this JVM, whose shutdown hook ends the children. */
    private static int up(Command.Up up) {
        LocalPostbus postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.persistent(up.data()).apiPort(up.port()).fetchers(up.fetchers()),
                System.out::println);
        closeAtExit(postbus);
        try {
            postbus.start();
        } catch (RuntimeException e) {
            System.err.println("postbus: " + e.getMessage());
            return 1;
        }
        System.out.println("""

                API        %s   (OpenAPI: %s/openapi)
                Kafka      %s   topic postbus.changes
                PostgreSQL %s
                API key, path of the operator's key, Kafka login, pids: %s
                Ctrl-C stops it; the data is kept.""".formatted(
                        postbus.api(),
                        postbus.api(),
                        postbus.kafka().bootstrap(),
                        postbus.postgres().url(),
                        up.data().resolve("run.json")));
        System.err.println("postbus: " + postbus.supervise() + "\npostbus: stopping the rest");
        return 1;
    }

    /** The hook always ends, since every step of {@link LocalPostbus#close()} has a time limit. */
    static void closeAtExit(LocalPostbus postbus) {
        Runtime.getRuntime().addShutdownHook(new Thread(postbus::close, "close"));
    }

    /** Locks the directory until this JVM ends. Exits with code 1 if another process has the lock. */
    private static void lock(Path directory) throws IOException {
        Directories.createPrivate(directory);
        Path file = directory.resolve("lock");
        Secrets.createPrivate(file);
        lockedFile =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (lockedFile.tryLock() == null) {
            System.err.println("postbus: already running from " + directory + ", pid "
                    + Files.readString(file).strip() + "; its addresses are in " + directory.resolve("run.json"));
            System.exit(1);
        }
        lockedFile.truncate(0);
        lockedFile.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
    }

    /** Deletes everything but the lock: the demo's mail server starts empty, so the database must too. */
    private static void empty(Path directory) throws IOException {
        try (Stream<Path> children = Files.list(directory)) {
            children.filter(child -> !child.endsWith("lock")).toList().forEach(Directories::delete);
        }
    }
}
