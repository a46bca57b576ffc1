package org.postbus.devstack.admin;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What the arguments of {@code ./postbus tenant} and {@code ./postbus key} ask for. A tenant is named by its id or its name. A key's secret is never an
 * argument: other users of the machine see those.
 */
public sealed interface AdminCommand {
    record CreateTenant(String name) implements AdminCommand {}

    record ListTenants() implements AdminCommand {}

    record SuspendTenant(String tenant, Optional<String> reason) implements AdminCommand {}

    record ResumeTenant(String tenant) implements AdminCommand {}

    record ExportTenant(String tenant, Path directory) implements AdminCommand {}

    record DeleteTenant(String tenant) implements AdminCommand {}

    /** @param expires a time such as {@code 2030-01-31T12:00:00Z} */
    record CreateKey(
            String tenant,
            String name,
            List<String> scopes,
            List<String> addresses,
            Optional<String> expires,
            Optional<Path> out)
            implements AdminCommand {}

    record ListKeys(String tenant) implements AdminCommand {}

    record RotateKey(String tenant, String key, Optional<Duration> grace, Optional<Path> out) implements AdminCommand {}

    record RevokeKey(String tenant, String key) implements AdminCommand {}

    /**
     * Where the gateway is.
     *
     * @param runFile of a running {@code ./postbus up}; used unless {@code api} is given
     */
    record Target(Path runFile, Optional<String> api, Optional<Path> keyFile) {
        public Target {
            Objects.requireNonNull(runFile);
            Objects.requireNonNull(api);
            Objects.requireNonNull(keyFile);
        }
    }

    /** @param json print the API's answers instead of text */
    record Invocation(AdminCommand command, Target target, boolean json) {}

    /**
     * @param data the directory of {@code ./postbus up}
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Invocation parse(List<String> arguments, Path data) {
        Deque<String> words = new ArrayDeque<>();
        Map<String, String> options = new HashMap<>();
        Set<String> flags = Set.of("--json", "--yes");
        Deque<String> rest = new ArrayDeque<>(arguments);
        while (!rest.isEmpty()) {
            String argument = rest.pop();
            if (!argument.startsWith("--")) {
                words.add(argument);
            } else if (flags.contains(argument)) {
                options.put(argument, "");
            } else if (rest.isEmpty()) {
                throw new IllegalArgumentException(argument + " needs a value");
            } else {
                options.put(argument, rest.pop());
            }
        }
        boolean json = options.remove("--json") != null;
        Optional<String> api = Optional.ofNullable(options.remove("--api"));
        Optional<Path> keyFile =
                Optional.ofNullable(options.remove("--key-file")).map(Path::of);
        if (api.isPresent() != keyFile.isPresent()) {
            throw new IllegalArgumentException("--api and --key-file belong together");
        }
        Path directory =
                Optional.ofNullable(options.remove("--data")).map(Path::of).orElse(data);
        AdminCommand command = command(new Words(words), options);
        if (!options.isEmpty()) {
            throw new IllegalArgumentException(
                    "no such option here: " + options.keySet().iterator().next());
        }
        return new Invocation(command, new Target(directory.resolve("run.json"), api, keyFile), json);
    }

    private static AdminCommand command(Words words, Map<String, String> options) {
        String verb = words.next("a command: tenant or key") + " " + words.next("what to do, such as list");
        AdminCommand command =
                switch (verb) {
                    case "tenant create" -> new CreateTenant(words.next("the name of the tenant"));
                    case "tenant list" -> new ListTenants();
                    case "tenant suspend" ->
                        new SuspendTenant(words.tenant(), Optional.ofNullable(options.remove("--reason")));
                    case "tenant resume" -> new ResumeTenant(words.tenant());
                    case "tenant export" -> new ExportTenant(words.tenant(), Path.of(words.next("a directory")));
                    case "tenant delete" -> {
                        String tenant = words.tenant();
                        if (options.remove("--yes") == null) {
                            throw new IllegalArgumentException(
                                    "this erases everything that Postbus stores for the tenant; add --yes if you mean it");
                        }
                        yield new DeleteTenant(tenant);
                    }
                    case "key create" ->
                        new CreateKey(
                                words.tenant(),
                                required(options, "--name"),
                                list(required(options, "--scopes")),
                                Optional.ofNullable(options.remove("--addresses"))
                                        .map(AdminCommand::list)
                                        .orElse(List.of()),
                                Optional.ofNullable(options.remove("--expires")),
                                Optional.ofNullable(options.remove("--out")).map(Path::of));
                    case "key list" -> new ListKeys(words.tenant());
                    case "key rotate" ->
                        new RotateKey(
                                words.tenant(),
                                words.next("the id of the key"),
                                Optional.ofNullable(options.remove("--grace")).map(AdminCommand::duration),
                                Optional.ofNullable(options.remove("--out")).map(Path::of));
                    case "key revoke" -> new RevokeKey(words.tenant(), words.next("the id of the key"));
                    default -> throw new IllegalArgumentException("no such command: " + verb);
                };
        words.end();
        return command;
    }

    /** The arguments that are no options. */
    record Words(Deque<String> left) {
        String next(String what) {
            if (left.isEmpty()) {
                throw new IllegalArgumentException("missing: " + what);
            }
            return left.pop();
        }

        String tenant() {
            return next("the tenant, by name or id");
        }

        void end() {
            if (!left.isEmpty()) {
                throw new IllegalArgumentException("no such argument: " + left.peek());
            }
        }
    }

    private static String required(Map<String, String> options, String name) {
        String value = options.remove(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is required");
        }
        return value;
    }

    private static List<String> list(String text) {
        List<String> values = new ArrayList<>();
        for (String value : text.split(",")) {
            if (!value.isBlank()) {
                values.add(value.strip());
            }
        }
        return values;
    }

    /** Such as {@code 90s}, {@code 30m}, {@code 24h} or {@code 7d}. */
    private static Duration duration(String text) {
        if (!text.matches("\\d{1,9}[smhd]")) {
            throw new IllegalArgumentException("--grace must be a time such as 90s, 30m, 24h or 7d");
        }
        long number = Long.parseLong(text.substring(0, text.length() - 1));
        return switch (text.charAt(text.length() - 1)) {
            case 's' -> Duration.ofSeconds(number);
            case 'm' -> Duration.ofMinutes(number);
            case 'h' -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
    }
}
