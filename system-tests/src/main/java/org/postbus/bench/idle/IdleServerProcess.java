package org.postbus.bench.idle;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** {@link IdleServer} as a child process. */
final class IdleServerProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final int port;

    /**
     * Figures of the server.
     *
     * @param logins since the last query
     * @param mostInASecond the most logins within any one second
     */
    record Counts(int connections, int logins, int mostInASecond) {}

    /** @param keystore PKCS12, with the key of the server */
    IdleServerProcess(Path keystore, String password) {
        try {
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx4g",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            IdleServer.class.getName(),
                            keystore.toString(),
                            password)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            answers = process.inputReader(StandardCharsets.US_ASCII);
            port = Integer.parseInt(answers.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int port() {
        return port;
    }

    /** Queries the server; resets its count of logins. */
    synchronized Counts counts() {
        try {
            process.outputWriter(StandardCharsets.US_ASCII).write("counts\n");
            process.outputWriter(StandardCharsets.US_ASCII).flush();
            String[] numbers = answers.readLine().split(" ");
            return new Counts(Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]), Integer.parseInt(numbers[2]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
