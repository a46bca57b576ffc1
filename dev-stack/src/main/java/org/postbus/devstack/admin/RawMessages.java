package org.postbus.devstack.admin;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import org.postbus.devstack.client.PostbusApi;

/** Fetches raw messages to files, one after the other: an account can have few downloads at a time. */
final class RawMessages {
    private static final Duration ANSWER_MAX = Duration.ofMinutes(10);
    private static final int ATTEMPTS = 5;
    private static final int WAIT_SECONDS_MAX = 60;
    private static final int PROBLEM_BYTES_MAX = 4_096;

    private final PostbusApi api;
    private int present;
    private int fetched;
    private int missing;

    RawMessages(PostbusApi api) {
        this.api = api;
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
                HttpResponse<InputStream> response = api.open(path, ANSWER_MAX);
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

    private static long waitSeconds(HttpResponse<?> response) {
        long asked = response.headers().firstValueAsLong("Retry-After").orElse(5);
        return Math.clamp(asked, 1, WAIT_SECONDS_MAX);
    }
}
