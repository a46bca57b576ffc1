package org.postbus.bench.options;

import java.util.Arrays;
import java.util.Deque;
import java.util.Locale;

/** Parses options of the form {@code --name value}. */
public final class Arguments {
    private Arguments() {}

    /**
     * @param options the defaults
     * @param apply returns the options with one of them changed
     * @throws IllegalArgumentException if an option has no value, or {@code apply} throws it
     */
    public static <T> T parse(T options, Deque<String> rest, Apply<T> apply) {
        T parsed = options;
        while (!rest.isEmpty()) {
            String name = rest.pop();
            if (rest.isEmpty()) {
                throw new IllegalArgumentException(name + " needs a value");
            }
            parsed = apply.apply(parsed, name, rest.pop());
        }
        return parsed;
    }

    @FunctionalInterface
    public interface Apply<T> {
        T apply(T options, String name, String value);
    }

    public static IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("no such option: " + name);
    }

    /** The enum constant of this name, in any case. */
    public static <E extends Enum<E>> E named(Class<E> type, String name) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> constant.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("must be one of "
                        + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT) + ": " + name));
    }

    public static int number(String text, int max) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not a number: " + text, e);
        }
        throw new IllegalArgumentException("must be between 1 and " + max + ": " + text);
    }
}
