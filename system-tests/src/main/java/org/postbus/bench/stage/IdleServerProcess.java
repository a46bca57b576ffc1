package org.postbus.bench.stage;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.postbus.devstack.mailserver.SelfSignedCertificate;
import org.postbus.devstack.process.Directories;

/** {@link IdleServer} as a child process, with a certificate of its own. */
public final class IdleServerProcess implements AutoCloseable {
    private static final String KEYSTORE_PASSWORD = "not-a-secret";

    private final Path keystore = createKeystore();
    private final Process process;
    private final BufferedReader answers;
    private final int port;

    /**
     * Figures of the server.
     *
     * @param logins since the last query
     * @param mostInASecond the most logins within any one second
     */
    public record Counts(int connections, int logins, int mostInASecond) {}

    /** @param messages in each user's INBOX */
    public IdleServerProcess(int messages) {
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
                            KEYSTORE_PASSWORD,
                            Integer.toString(messages))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            answers = process.inputReader(StandardCharsets.US_ASCII);
            port = Integer.parseInt(answers.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Options of a JVM that is to trust the server's certificate. */
    public String trustOptions() {
        return "-Djavax.net.ssl.trustStore=" + keystore + " -Djavax.net.ssl.trustStorePassword=" + KEYSTORE_PASSWORD;
    }

    public int port() {
        return port;
    }

    /** Queries the server; resets its count of logins. */
    public synchronized Counts counts() {
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
        Directories.delete(keystore.getParent());
    }

    private static Path createKeystore() {
        try {
            Path directory = Files.createTempDirectory("postbus-idle-");
            Path keystore = directory.resolve("keystore");
            SelfSignedCertificate.write(keystore, KEYSTORE_PASSWORD, directory.resolve("keytool.log"));
            return keystore;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
