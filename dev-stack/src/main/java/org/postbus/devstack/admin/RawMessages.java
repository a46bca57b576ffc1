package org.postbus.devstack.admin;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import org.postbus.account.Secret;

/** Fetches raw messages to files, one after the other: an account can have few downloads at a time. */
final class RawMessages implements AutoCloseable {
    private static final Duration ANSWER_MAX = Duration.ofMinutes(10);
    private static final int ATTEMPTS = 5;
    private static final int WAIT_SECONDS_MAX = 60;
    private static final int PROBLEM_BYTES_MAX = 4_096;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final URI base;
    private final Secret key;
    private int present;
    private int fetched;
    private int missing;

    RawMessages(URI api, Secret key) {
        this.base = api.resolve("/v1/");
        this.key = key;
    }

    /**
     * Does nothing if the file is there. Answers 429 and 503 are waited for and tried again.
     *
     * @param path relative to {@code /v1/}
     * @return why there is no file
     */
    Optional<String> fetch(String path, Path file) throws IOException {
        if (Files.exists(file)) {
            present++;
            return Optional.empty();
        }
        try {
            String problem = "";
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                HttpResponse<InputStream> response =
                        http.send(request(path), HttpResponse.BodyHandlers.ofInputStream());
                try (InputStream body = response.body()) {
                    if (response.statusCode() == 200) {
                        store(body, file);
                        return Optional.empty();
                    }
                    problem = response.statusCode() + " "
                            + new String(body.readNBytes(PROBLEM_BYTES_MAX), StandardCharsets.UTF_8);
                } catch (IOException e) {
                    problem = "the download broke off: " + e.getMessage();
                    continue;
                }
                if (response.statusCode() != 429 && response.statusCode() != 503) {
                    break;
                }
                Thread.sleep(Duration.ofSeconds(waitSeconds(response)));
            }
            missing++;
            return Optional.of(problem);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    int present() {
        return present;
    }

    int fetched() {
        return fetched;
    }

    int missing() {
        return missing;
    }

    private void store(InputStream body, Path file) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".part");
        Files.copy(body, draft, StandardCopyOption.REPLACE_EXISTING);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        present++;
        fetched++;
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(base.resolve(path))
                .header("Authorization", "Bearer " + key.reveal())
                .timeout(ANSWER_MAX)
                .build();
    }

    private static long waitSeconds(HttpResponse<?> response) {
        long asked = response.headers().firstValueAsLong("Retry-After").orElse(5);
        return Math.clamp(asked, 1, WAIT_SECONDS_MAX);
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
