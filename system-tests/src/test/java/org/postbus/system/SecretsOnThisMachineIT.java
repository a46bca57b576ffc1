package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Other users of the machine see file names, modes and the arguments of processes. */
class SecretsOnThisMachineIT {
    private static final Set<PosixFilePermission> OF_OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);

    private final RunningPostbus running = RunningPostbus.get();

    @Test
    void only_the_owner_can_read_the_data_directory_and_what_is_in_it() throws IOException {
        Set<String> open = new TreeSet<>();
        List<Path> all = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(running.directory)) {
            paths.filter(path -> !path.startsWith(running.directory.resolve("james")))
                    .forEach(all::add);
        }
        for (Path path : all) {
            try {
                if (Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS).stream()
                        .anyMatch(OF_OTHERS::contains)) {
                    open.add(path.toString());
                }
            } catch (NoSuchFileException e) {
                // PostgreSQL and Kafka create and delete files while they run.
                continue;
            }
        }
        assertThat(open).isEmpty();
        assertThat(all.stream().map(path -> path.getFileName().toString()))
                .contains("run.json", "pg_hba.conf", "server.properties", "postgres.log", "kafka.log", "writer-1.log");
    }

    @Test
    void no_secret_is_an_argument_or_in_the_environment_of_a_process() throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(Path.of("/proc/self")), "there is no /proc");
        Map<String, String> secrets = secrets();
        assertThat(secrets.keySet())
                .contains("api-key", "admin-password", "postbus_writer", "password-postbus-subscriber");
        List<String> found = new ArrayList<>();
        List<Long> pids =
                ProcessHandle.current().descendants().map(ProcessHandle::pid).toList();
        assertThat(pids).hasSizeGreaterThan(5);
        for (long pid : pids) {
            for (String file : List.of("cmdline", "environ")) {
                String text = read(Path.of("/proc", Long.toString(pid), file));
                secrets.forEach((name, secret) -> {
                    if (text.contains(secret)) {
                        found.add(name + " in " + file + " of "
                                + read(Path.of("/proc", Long.toString(pid), "cmdline"))
                                        .replace('\0', ' '));
                    }
                });
            }
        }
        assertThat(found).isEmpty();
    }

    /** The files whose whole content is a secret, by their names. */
    private Map<String, String> secrets() throws IOException {
        Map<String, String> secrets = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(running.directory)) {
            for (Path path : paths.filter(path -> path.toString().matches(".*(password|api-key|-key$).*"))
                    .filter(Files::isRegularFile)
                    .toList()) {
                String text = Files.readString(path).strip();
                if (text.length() >= 32 && !text.contains("\n")) {
                    secrets.put(path.getFileName().toString(), text);
                }
            }
        }
        return secrets;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
