package org.postbus.devstack.keyset;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.devstack.admin.AdminCommand.Target;

/** What the arguments of {@code ./postbus keyset} ask for. */
public sealed interface KeysetCommand {
    /** Three times what a service needs at most to notice a changed file. */
    Duration WAIT_DEFAULT = Duration.ofSeconds(30);

    record Create() implements KeysetCommand {}

    record ListKeys() implements KeysetCommand {}

    record Add() implements KeysetCommand {}

    record Promote() implements KeysetCommand {}

    /** @param pause between adding the key and its first use */
    record Rotate(Duration pause) implements KeysetCommand {}

    record Prune() implements KeysetCommand {}

    record Wrap() implements KeysetCommand {}

    /**
     * @param file the keyset
     * @param gateway answers how many credentials each key encrypts
     */
    record Invocation(KeysetCommand command, Path file, Target gateway) {}

    /**
     * @param arguments begin with {@code keyset}
     * @param data the directory of {@code ./postbus up}
     * @throws IllegalArgumentException saying what is wrong
     */
    static Invocation parse(List<String> arguments, Path data) {
        Deque<String> rest = new ArrayDeque<>(arguments);
        rest.pop();
        String verb = rest.isEmpty() ? "" : rest.pop();
        Map<String, String> options = new HashMap<>();
        while (!rest.isEmpty()) {
            String option = rest.pop();
            if (!option.startsWith("--")) {
                throw new IllegalArgumentException("no such argument: " + option);
            }
            if (rest.isEmpty()) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            options.put(option, rest.pop());
        }
        Path directory = path(options, "--data").orElse(data);
        Path file = path(options, "--keyset").orElse(directory.resolve("keyset.json"));
        Optional<String> api = Optional.ofNullable(options.remove("--api"));
        Optional<Path> keyFile = path(options, "--key-file");
        if (api.isPresent() != keyFile.isPresent()) {
            throw new IllegalArgumentException("--api and --key-file belong together");
        }
        KeysetCommand command =
                switch (verb) {
                    case "create" -> new Create();
                    case "list" -> new ListKeys();
                    case "add" -> new Add();
                    case "promote" -> new Promote();
                    case "rotate" ->
                        new Rotate(Optional.ofNullable(options.remove("--wait"))
                                .map(KeysetCommand::seconds)
                                .orElse(WAIT_DEFAULT));
                    case "prune" -> new Prune();
                    case "wrap" -> new Wrap();
                    default ->
                        throw new IllegalArgumentException(
                                "keyset needs one of create, list, add, promote, rotate, prune and wrap");
                };
        if (!options.isEmpty()) {
            throw new IllegalArgumentException(
                    "no such option here: " + options.keySet().iterator().next());
        }
        return new Invocation(command, file, new Target(directory.resolve("run.json"), api, keyFile));
    }

    private static Optional<Path> path(Map<String, String> options, String option) {
        return Optional.ofNullable(options.remove(option)).map(Path::of);
    }

    private static Duration seconds(String text) {
        if (!text.matches("\\d{1,5}s")) {
            throw new IllegalArgumentException("--wait: not a number of seconds, such as 60s: " + text);
        }
        return Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
    }
}
