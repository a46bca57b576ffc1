package org.postbus.gateway.it;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.postbus.account.cipher.CredentialCipher;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.postgres.Database;
import org.postbus.devstack.postgres.Role;
import org.postbus.setup.kafka.KafkaUser;

/** The built service in a JVM of its own, as in production. */
final class GatewayProcess implements AutoCloseable {
    private static final Duration START_MAX = Duration.ofSeconds(90);
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    /** The same for all gateways. */
    static final Path KEYSET = TARGET.resolve("gateway-it-keyset.json");

    /** Mail servers of tests are on this machine, without TLS. */
    static final Map<String, String> TO_THIS_MACHINE = Map.of(
            "POSTBUS_EGRESS_PRIVATE_NETWORKS", "127.0.0.0/8,::1",
            "POSTBUS_EGRESS_PORTS", "1-65535",
            "POSTBUS_EGRESS_PLAIN_TEXT", "private-networks");

    private final Process process;
    private final URI url;
    private final URI management;

    private GatewayProcess(Process process, URI url, URI management) {
        this.process = process;
        this.url = url;
        this.management = management;
    }

    /** Does not wait: see {@link #awaitReady}. */
    static GatewayProcess start(String name, Database database, Kafka kafka, Map<String, String> more)
            throws IOException {
        return start(name, "256m", database, kafka, more);
    }

    /** @param maxHeap as for {@code -Xmx}; the service exits if it is too small */
    static GatewayProcess start(String name, String maxHeap, Database database, Kafka kafka, Map<String, String> more)
            throws IOException {
        if (!Files.exists(KEYSET)) {
            CredentialCipher.createKeysetFile(KEYSET);
        }
        int port = freePort();
        int managementPort = freePort();
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx" + maxHeap,
                        "-XX:+ExitOnOutOfMemoryError",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-jar",
                        TARGET.resolve("quarkus-app/quarkus-run.jar").toString()))
                .redirectErrorStream(true)
                .redirectOutput(TARGET.resolve(name + ".log").toFile());
        builder.environment()
                .putAll(Map.of(
                        "POSTBUS_DB_URL", database.url(),
                        "POSTBUS_DB_USER", Role.GATEWAY.user(),
                        "POSTBUS_DB_PASSWORD", database.password(Role.GATEWAY).reveal(),
                        "POSTBUS_HOST", "127.0.0.1",
                        "POSTBUS_PORT", Integer.toString(port),
                        "POSTBUS_MANAGEMENT_PORT", Integer.toString(managementPort),
                        "POSTBUS_KEYSET", KEYSET.toString(),
                        "POSTBUS_INSTANCE", name));
        builder.environment().putAll(kafka.environmentOf(KafkaUser.GATEWAY));
        builder.environment().putAll(more);
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return new GatewayProcess(
                process, URI.create("http://127.0.0.1:" + port), URI.create("http://127.0.0.1:" + managementPort));
    }

    void awaitReady(HttpClient http) {
        HttpRequest ready =
                HttpRequest.newBuilder(management.resolve("/q/health/ready")).build();
        Awaitility.await()
                .atMost(START_MAX)
                .pollInterval(Duration.ofMillis(200))
                .failFast("the gateway has ended, see its log in target", () -> !process.isAlive())
                .ignoreExceptions()
                .until(() ->
                        http.send(ready, HttpResponse.BodyHandlers.discarding()).statusCode() == 200);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    URI url() {
        return url;
    }

    /** The root of {@code /q/health} and {@code /q/metrics}. */
    URI management() {
        return management;
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().orTimeout(20, java.util.concurrent.TimeUnit.SECONDS).join();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
