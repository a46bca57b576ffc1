package org.postbus.devstack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The checkout that everything runs from: the nearest directory upwards that holds the modules. */
public final class ProjectRoot {
    private ProjectRoot() {}

    /** @throws IllegalStateException if the working directory is not inside a checkout */
    public static Path find() {
        Path start = Path.of("").toAbsolutePath();
        for (Path directory = start; directory != null; directory = directory.getParent()) {
            if (Files.exists(directory.resolve("pom.xml")) && Files.isDirectory(directory.resolve("dev-stack/kafka"))) {
                return directory;
            }
        }
        throw new IllegalStateException("not inside a Postbus checkout: " + start);
    }

    /**
     * The class path that {@code module} writes when it is built.
     *
     * @throws IllegalStateException if it has not been built
     */
    static String classPathOf(String module) {
        Path file = find().resolve(module).resolve("target/classpath");
        if (!Files.exists(file)) {
            throw new IllegalStateException(
                    file + " is missing: build it with ./mvnw -pl " + module + " generate-resources");
        }
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
