package org.postbus.devstack.keyset;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.postbus.devstack.admin.AdminCommand.Target;
import org.postbus.devstack.options.Options;

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
        Options options = Options.parse(arguments, Set.of());
        options.word("keyset");
        Path directory = options.path("--data").orElse(data);
        Path file = options.path("--keyset").orElse(directory.resolve("keyset.json"));
        Target gateway = Target.of(options, directory);
        KeysetCommand command = command(options);
        options.end();
        return new Invocation(command, file, gateway);
    }

    private static KeysetCommand command(Options options) {
        String verbs = "one of create, list, add, promote, rotate, prune and wrap";
        return switch (options.word(verbs)) {
            case "create" -> new Create();
            case "list" -> new ListKeys();
            case "add" -> new Add();
            case "promote" -> new Promote();
            case "rotate" -> new Rotate(options.duration("--wait").orElse(WAIT_DEFAULT));
            case "prune" -> new Prune();
            case "wrap" -> new Wrap();
            default -> throw new IllegalArgumentException("keyset needs " + verbs);
        };
    }
}
