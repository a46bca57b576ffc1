package org.postbus.devstack.process;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The checkout that this JVM runs in: the nearest parent of the working directory that contains the modules. */
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
     * The class path that the build of {@code module} has written, with the module's own classes if it has sources.
     *
     * @throws IllegalStateException if it has not been built
     */
    public static String classPathOf(String module) {
        Path target = find().resolve(module).resolve("target");
        Path file = target.resolve("classpath");
        boolean hasSources = Files.exists(find().resolve(module).resolve("src/main/java"));
        if (!Files.exists(file) || hasSources && !Files.exists(target.resolve("classes"))) {
            throw new IllegalStateException(module + " is not built: run ./mvnw -pl " + module + " compile");
        }
        try {
            String libraries = Files.readString(file).strip();
            return hasSources ? target.resolve("classes") + File.pathSeparator + libraries : libraries;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
