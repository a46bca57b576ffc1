package org.postbus.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.launcher.Main;
import org.postbus.devstack.process.ChildProcess;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.process.FreePort;

/** {@code ./postbus up}, whose processes are killed one by one, and which is killed itself. */
class SupervisionIT {
    private static final Duration START_MAX = Duration.ofMinutes(5);
    private static final Duration AGAIN_MAX = Duration.ofMinutes(3);

    private final Path directory = Path.of("target", "supervised").toAbsolutePath();
    private final int port = FreePort.find();
    private final List<Process> launchers = new ArrayList<>();
    private final List<String> output = new CopyOnWriteArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        for (Process launcher : launchers) {
            launcher.destroy();
            launcher.waitFor();
        }
    }

    @Test
    void what_dies_is_started_again_and_a_new_start_always_works() throws Exception {
        Directories.delete(directory);
        Process first = up();
        PostbusApi api = api();
        String tenant = api.get("usage").expect(200).toString();
        assertThat(tenant).isNotEmpty();

        for (String child : List.of("PostgreSQL", "Kafka", "gateway-1", "fetcher-1", "outbound-1", "writer-1")) {
            Map<String, Long> before = pids();
            output.clear();
            kill(before.get(child));
            awaitOutput(child + " ended with exit code 137");
            awaitOutput(child + " runs again");
            await().atMost(AGAIN_MAX)
                    .ignoreExceptions()
                    .until(() -> api.get("accounts").status() == 200);
            Map<String, Long> after = pids();
            assertThat(after.get(child)).isNotEqualTo(before.get(child));
            before.remove(child);
            after.remove(child);
            // The others went on.
            assertThat(after).isEqualTo(before);
            assertThat(output).noneMatch(line -> line.contains("ended") && !line.contains(child));
        }

        // Its children are ending when the next one starts.
        output.clear();
        first.destroyForcibly();
        Process second = up();
        assertThat(api().get("accounts").status()).isEqualTo(200);

        // Nothing ends its children.
        Map<String, Long> orphans = pids();
        output.clear();
        killWithReaper(second);
        Process third = up();
        assertThat(output).anyMatch(line -> line.contains("of a run that was killed"));
        assertThat(api().get("accounts").status()).isEqualTo(200);
        assertThat(orphans.values()).noneMatch(SupervisionIT::isRunning);

        Map<String, Long> last = pids();
        third.destroy();
        third.waitFor();
        assertThat(last.values()).noneMatch(SupervisionIT::isRunning);
        assertThat(directory.resolve("run.json")).doesNotExist();
    }

    /** Returns when it has told its addresses. */
    private Process up() throws IOException {
        Process launcher = new ProcessBuilder(ChildProcess.java(
                        "128m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "up",
                        "--port",
                        Integer.toString(port),
                        "--data",
                        directory.toString()))
                .redirectErrorStream(true)
                .start();
        launchers.add(launcher);
        Thread.ofVirtual().start(() -> {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(launcher.getInputStream()))) {
                lines.lines().forEach(line -> {
                    System.out.println(line);
                    output.add(line);
                });
            } catch (IOException ended) {
                output.add("the output ended: " + ended);
            }
        });
        await().atMost(START_MAX)
                .failFast("the launcher has ended", () -> !launcher.isAlive())
                .until(() -> output.stream().anyMatch(line -> line.contains("Ctrl-C stops it")));
        return launcher;
    }

    private void awaitOutput(String text) {
        await().atMost(AGAIN_MAX).untilAsserted(() -> assertThat(output).anyMatch(line -> line.contains(text)));
    }

    private PostbusApi api() throws IOException {
        JsonNode run = run();
        return new PostbusApi(
                URI.create(run.get("api").asText()),
                new Secret(run.get("apiKey").asText()));
    }

    private JsonNode run() throws IOException {
        return EventCodec.decode(Files.readString(directory.resolve("run.json")), JsonNode.class);
    }

    /** By the names that the launcher prints. */
    private Map<String, Long> pids() throws IOException {
        JsonNode run = run();
        Map<String, Long> pids = new LinkedHashMap<>();
        pids.put("PostgreSQL", run.at("/servers/postgres").asLong());
        pids.put("Kafka", run.at("/servers/kafka").asLong());
        run.get("services").properties().forEach(service -> {
            for (int i = 0; i < service.getValue().size(); i++) {
                pids.put(
                        service.getKey() + "-" + (i + 1),
                        service.getValue().get(i).asLong());
            }
        });
        return pids;
    }

    private static void kill(long pid) {
        ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    }

    private static void killWithReaper(Process launcher) throws InterruptedException {
        try (Stream<ProcessHandle> children = launcher.toHandle().children()) {
            children.filter(child -> child.info().command().orElse("").endsWith("sh"))
                    .forEach(ProcessHandle::destroyForcibly);
        }
        launcher.destroyForcibly();
        launcher.waitFor();
    }

    /** A zombie process has no command. */
    private static boolean isRunning(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(process -> process.info().command())
                .isPresent();
    }
}
