package org.postbus.devstack.options;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The arguments of a command: words in their order, options with a value ({@code --data DIR}), and flags without one ({@code --yes}). Each is taken
 * once; {@link #end} refuses what nobody has taken. All methods throw {@link IllegalArgumentException} saying what is wrong.
 */
public final class Options {
    private final Deque<String> words = new ArrayDeque<>();
    private final Map<String, String> values = new HashMap<>();

    private Options() {}

    /** @param flags with their two dashes */
    public static Options parse(List<String> arguments, Set<String> flags) {
        Options options = new Options();
        Deque<String> rest = new ArrayDeque<>(arguments);
        while (!rest.isEmpty()) {
            String argument = rest.pop();
            if (!argument.startsWith("--")) {
                options.words.add(argument);
            } else if (flags.contains(argument)) {
                options.values.put(argument, "");
            } else if (rest.isEmpty()) {
                throw new IllegalArgumentException(argument + " needs a value");
            } else {
                options.values.put(argument, rest.pop());
            }
        }
        return options;
    }

    /** @param what names it, if it is missing: "the name of the tenant" */
    public String word(String what) {
        if (words.isEmpty()) {
            throw new IllegalArgumentException("missing: " + what);
        }
        return words.pop();
    }

    public boolean flag(String name) {
        return values.remove(name) != null;
    }

    public Optional<String> find(String name) {
        return Optional.ofNullable(values.remove(name));
    }

    public String require(String name) {
        return find(name).orElseThrow(() -> new IllegalArgumentException(name + " is required"));
    }

    public Optional<Path> path(String name) {
        return find(name).map(Path::of);
    }

    /** From 1 to {@code max}. */
    public int number(String name, int preset, int max) {
        Optional<String> given = find(name);
        if (given.isEmpty()) {
            return preset;
        }
        if (!given.get().matches("\\d{1,9}")) {
            throw new IllegalArgumentException(name + ": not a number: " + given.get());
        }
        int number = Integer.parseInt(given.get());
        if (number < 1 || number > max) {
            throw new IllegalArgumentException(name + ": must be between 1 and " + max + ": " + given.get());
        }
        return number;
    }

    /** Such as {@code 90s}, {@code 30m}, {@code 24h} or {@code 7d}. */
    public Optional<Duration> duration(String name) {
        return find(name).map(text -> {
            if (!text.matches("\\d{1,9}[smhd]")) {
                throw new IllegalArgumentException(name + " must be a time such as 90s, 30m, 24h or 7d");
            }
            long number = Long.parseLong(text.substring(0, text.length() - 1));
            return switch (text.charAt(text.length() - 1)) {
                case 's' -> Duration.ofSeconds(number);
                case 'm' -> Duration.ofMinutes(number);
                case 'h' -> Duration.ofHours(number);
                default -> Duration.ofDays(number);
            };
        });
    }

    /** Refuses words and options that were not taken. */
    public void end() {
        if (!words.isEmpty()) {
            throw new IllegalArgumentException("no such argument: " + words.peek());
        }
        if (!values.isEmpty()) {
            throw new IllegalArgumentException(
                    "no such option here: " + values.keySet().iterator().next());
        }
    }
}
