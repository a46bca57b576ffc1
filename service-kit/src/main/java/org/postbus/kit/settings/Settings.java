package org.postbus.kit.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.eclipse.microprofile.config.Config;
import org.postbus.account.Secret;

/**
 * The settings of this process by name, such as {@code postbus.db.password-file}, which is the environment variable {@code
 * POSTBUS_DB_PASSWORD_FILE}. A blank value counts as none. Errors name the environment variable and never show a value.
 */
public final class Settings {
    private final Function<String, Optional<String>> source;

    private Settings(Function<String, Optional<String>> source) {
        this.source = source;
    }

    /** @param source the value of a name */
    public static Settings of(Function<String, Optional<String>> source) {
        return new Settings(source);
    }

    /** MicroProfile Config, as Quarkus fills it from the environment, system properties and {@code application.properties}. */
    public static Settings of(Config config) {
        return new Settings(name -> config.getOptionalValue(name, String.class));
    }

    public Optional<String> find(String name) {
        return source.apply(name).map(String::strip).filter(value -> !value.isEmpty());
    }

    /** @throws IllegalArgumentException if there is none */
    public String require(String name) {
        return find(name).orElseThrow(() -> new IllegalArgumentException(variable(name) + " is not set"));
    }

    /** @throws IllegalArgumentException if the file can not be read */
    public Optional<Path> file(String name) {
        return find(name).map(Path::of).map(file -> {
            if (!Files.isReadable(file)) {
                throw new IllegalArgumentException(variable(name) + ": " + file + " can not be read");
            }
            return file;
        });
    }

    /**
     * A secret, given as it is by {@code name} or as the content of the file that {@code name-file} names. The file's final line break does
     * not belong to the secret.
     *
     * @throws IllegalArgumentException if both are set, or if the file can not be read
     */
    public Optional<Secret> secret(String name) {
        String fileName = name + "-file";
        Optional<String> value = source.apply(name).filter(text -> !text.isEmpty());
        Optional<Path> file = file(fileName);
        if (value.isPresent() && file.isPresent()) {
            throw new IllegalArgumentException("set " + variable(name) + " or " + variable(fileName) + ", not both");
        }
        return file.map(path -> read(fileName, path)).or(() -> value).map(Secret::new);
    }

    /** The environment variable of a setting. */
    public static String variable(String name) {
        return name.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    private static String read(String name, Path file) {
        try {
            return Files.readString(file).replaceFirst("\\R\\z", "");
        } catch (IOException e) {
            throw new IllegalArgumentException(variable(name) + ": " + file + " can not be read", e);
        }
    }
}
