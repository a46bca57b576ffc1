package org.postbus.devstack.admin;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.postbus.devstack.options.Options;

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

        /**
         * Takes {@code --api} and {@code --key-file}.
         *
         * @param directory of {@code ./postbus up}
         * @throws IllegalArgumentException saying what is wrong
         */
        public static Target of(Options options, Path directory) {
            Optional<String> api = options.find("--api");
            Optional<Path> keyFile = options.path("--key-file");
            if (api.isPresent() != keyFile.isPresent()) {
                throw new IllegalArgumentException("--api and --key-file belong together");
            }
            return new Target(directory.resolve("run.json"), api, keyFile);
        }
    }

    /** @param json print the API's answers instead of text */
    record Invocation(AdminCommand command, Target target, boolean json) {}

    /**
     * @param data the directory of {@code ./postbus up}
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Invocation parse(List<String> arguments, Path data) {
        Options options = Options.parse(arguments, Set.of("--json", "--yes"));
        boolean json = options.flag("--json");
        Target target = Target.of(options, options.path("--data").orElse(data));
        AdminCommand command = command(options);
        options.end();
        return new Invocation(command, target, json);
    }

    private static AdminCommand command(Options options) {
        String verb = options.word("a command: tenant or key") + " " + options.word("what to do, such as list");
        return switch (verb) {
            case "tenant create" -> new CreateTenant(options.word("the name of the tenant"));
            case "tenant list" -> new ListTenants();
            case "tenant suspend" -> new SuspendTenant(tenant(options), options.find("--reason"));
            case "tenant resume" -> new ResumeTenant(tenant(options));
            case "tenant export" -> new ExportTenant(tenant(options), Path.of(options.word("a directory")));
            case "tenant delete" -> {
                String tenant = tenant(options);
                if (!options.flag("--yes")) {
                    throw new IllegalArgumentException(
                            "this erases everything that Postbus stores for the tenant; add --yes if you mean it");
                }
                yield new DeleteTenant(tenant);
            }
            case "key create" ->
                new CreateKey(
                        tenant(options),
                        options.require("--name"),
                        list(options.require("--scopes")),
                        options.find("--addresses").map(AdminCommand::list).orElse(List.of()),
                        options.find("--expires"),
                        options.path("--out"));
            case "key list" -> new ListKeys(tenant(options));
            case "key rotate" ->
                new RotateKey(
                        tenant(options),
                        options.word("the id of the key"),
                        options.duration("--grace"),
                        options.path("--out"));
            case "key revoke" -> new RevokeKey(tenant(options), options.word("the id of the key"));
            default -> throw new IllegalArgumentException("no such command: " + verb);
        };
    }

    private static String tenant(Options options) {
        return options.word("the tenant, by name or id");
    }

    private static List<String> list(String text) {
        return Arrays.stream(text.split(","))
                .map(String::strip)
                .filter(value -> !value.isEmpty())
                .toList();
    }
}
