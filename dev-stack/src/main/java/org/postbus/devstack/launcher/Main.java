package org.postbus.devstack.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.ProjectRoot;

/**
 * What {@code ./postbus up} and {@code ./postbus demo} run. Exit codes: 0 all went well, 1 something failed or a Postbus already
 * runs from the directory, 2 the arguments were not understood.
 */
public final class Main {
    private static final int FETCHERS_MAX = 64;

    /** Kept reachable: a lock goes with its channel. */
    private static FileChannel held;

    private Main() {}

    /** What the command line asks for. */
    sealed interface Command {
        record Demo(boolean once) implements Command {}

        record Up(int port, Path data, int fetchers) implements Command {}

        record Help() implements Command {}

        record NotUnderstood(String why) implements Command {}

        static Command parse(List<String> arguments) {
            Deque<String> rest = new ArrayDeque<>(arguments);
            String command = rest.isEmpty() ? "help" : rest.pop();
            return switch (command) {
                case "demo" -> demo(rest);
                case "up" -> up(rest);
                case "help", "--help", "-h" -> new Help();
                default -> new NotUnderstood("no such command: " + command);
            };
        }

        private static Command demo(Deque<String> rest) {
            boolean once = "--once".equals(rest.peek());
            if (once) {
                rest.pop();
            }
            return rest.isEmpty() ? new Demo(once) : new NotUnderstood("no such argument: " + rest.peek());
        }

        private static Command up(Deque<String> rest) {
            int port = 8080;
            int fetchers = 1;
            Path data = ProjectRoot.find().resolve(".postbus/up");
            while (!rest.isEmpty()) {
                String option = rest.pop();
                if (!List.of("--port", "--data", "--fetchers").contains(option)) {
                    return new NotUnderstood("no such argument: " + option);
                }
                if (rest.isEmpty()) {
                    return new NotUnderstood(option + " needs a value");
                }
                String value = rest.pop();
                try {
                    switch (option) {
                        case "--port" -> port = number(value, 65535);
                        case "--fetchers" -> fetchers = number(value, FETCHERS_MAX);
                        default -> data = Path.of(value);
                    }
                } catch (IllegalArgumentException e) {
                    return new NotUnderstood(option + ": " + e.getMessage());
                }
            }
            return new Up(port, data, fetchers);
        }

        private static int number(String text, int max) {
            int number;
            try {
                number = Integer.parseInt(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("not a number: " + text, e);
            }
            if (number < 1 || number > max) {
                throw new IllegalArgumentException("must be between 1 and " + max + ": " + text);
            }
            return number;
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        switch (Command.parse(List.of(arguments))) {
            case Command.Help() -> System.out.print(usage());
            case Command.NotUnderstood(String why) -> {
                System.err.println("postbus: " + why + "\n");
                System.err.print(usage());
                System.exit(2);
            }
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

    /** The launcher prints the same file. */
    private static String usage() throws IOException {
        try (InputStream text = Main.class.getResourceAsStream("usage.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Answers the exit code, when a process has died. Ctrl-C ends this JVM, and its shutdown hook the rest. */
    private static int up(Command.Up up) {
        LocalPostbus postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.kept(up.data()).apiPort(up.port()).fetchers(up.fetchers()), System.out::println);
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
                API key and pids: %s
                Ctrl-C ends it; the data stays.""".formatted(
                        postbus.api(),
                        postbus.api(),
                        postbus.kafka().bootstrap(),
                        postbus.postgres().url(),
                        up.data().resolve("run.json")));
        System.err.println("postbus: " + postbus.firstDeath().join() + "\npostbus: stopping the rest");
        return 1;
    }

    /** Closing is quick or has limits of its own, so the hook ends; the order is in {@link LocalPostbus#close()}. */
    static void closeAtExit(LocalPostbus postbus) {
        Runtime.getRuntime().addShutdownHook(new Thread(postbus::close, "close"));
    }

    /** Holds the directory until this JVM ends. Ends it at once if another Postbus holds it. */
    private static void lock(Path directory) throws IOException {
        Files.createDirectories(directory);
        Path file = directory.resolve("lock");
        held = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (held.tryLock() == null) {
            System.err.println("postbus: already running from " + directory + ", pid "
                    + Files.readString(file).strip() + "; its addresses are in " + directory.resolve("run.json"));
            System.exit(1);
        }
        held.truncate(0);
        held.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
    }

    /** All but the lock: the mail server of a demonstration forgets, so its database must too. */
    private static void empty(Path directory) throws IOException {
        try (Stream<Path> children = Files.list(directory)) {
            children.filter(child -> !child.endsWith("lock")).toList().forEach(Directories::delete);
        }
    }
}
