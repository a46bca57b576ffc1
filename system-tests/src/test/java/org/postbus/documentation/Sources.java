package org.postbus.documentation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.postbus.devstack.process.ProjectRoot;

/** Reads the sources of the services and the tables of the documentation as text. */
final class Sources {
    /** The services and the modules whose classes run in them. */
    private static final List<String> MODULES = List.of(
            "common-model",
            "mail-client",
            "service-kit",
            "fetcher-service",
            "writer-service",
            "outbound-service",
            "api-gateway");

    private Sources() {}

    /** A source file. {@code path} is relative to the project root. */
    record Source(Path path, String text) {
        /** All matches of the pattern's first group. */
        List<String> find(Pattern pattern) {
            return pattern.matcher(text).results().map(match -> match.group(1)).toList();
        }
    }

    /** The main Java sources of all modules that run in services. */
    static List<Source> java() {
        return files(MODULES, "src/main/java", ".java");
    }

    /** The main Java sources of one module. */
    static List<Source> javaOf(String module) {
        return files(List.of(module), "src/main/java", ".java");
    }

    /** The configuration files of all modules that run in services. */
    static List<Source> properties() {
        return files(MODULES, "src/main/resources", ".properties");
    }

    /**
     * The names in the first column of a document's tables.
     *
     * @param document below {@code docs}
     * @param heading of the first column; other tables are ignored
     * @param name a name in backticks; its first group is returned
     */
    static Set<String> documented(String document, String heading, Pattern name) {
        Set<String> names = new TreeSet<>();
        boolean inTable = false;
        for (String line :
                read(ProjectRoot.find().resolve("docs").resolve(document)).split("\n")) {
            String first = line.startsWith("|") ? line.split("\\|")[1].strip() : "";
            if (first.isEmpty()) {
                inTable = false;
            } else if (first.equals(heading)) {
                inTable = true;
            } else if (inTable) {
                Matcher matcher = name.matcher(first);
                while (matcher.find()) {
                    names.add(matcher.group(1));
                }
            }
        }
        return names;
    }

    private static List<Source> files(List<String> modules, String directory, String ending) {
        List<Source> sources = new ArrayList<>();
        Path root = ProjectRoot.find();
        for (String module : modules) {
            Path from = root.resolve(module).resolve(directory);
            if (!Files.isDirectory(from)) {
                continue;
            }
            try (Stream<Path> paths = Files.walk(from)) {
                paths.filter(path -> path.toString().endsWith(ending))
                        .sorted()
                        .forEach(path -> sources.add(new Source(root.relativize(path), read(path))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return sources;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
