package org.postbus.bench.tenants;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.postbus.account.Secret;
import org.postbus.codec.EventCodec;

/** What the hostile tenant does over the API: requests one after the other on several connections, whatever the answers are. */
final class Attack implements AutoCloseable {
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(30);
    private static final int LARGE_BODY_BYTES = 12 << 20;
    private static final int NO_ANSWER = 0;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(ANSWER_WAIT)
            .build();
    private final URI api;
    private final Secret key;
    private final List<HostileServers.Address> servers;
    private final int accountsMax;
    private final AtomicInteger accounts = new AtomicInteger();
    private final byte[] largeBody = unknownKeys(LARGE_BODY_BYTES);
    private final Map<Kind, Map<Integer, AtomicLong>> answers = new EnumMap<>(Kind.class);
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    /** The parts of the attack. */
    enum Kind {
        FLOOD("reads, as fast as they are answered", 8),
        LARGE_BODIES("bodies of 12 MiB with unknown JSON keys", 4),
        WRONG_KEYS("keys that do not exist", 4),
        ACCOUNTS("accounts on dead and hostile mail servers", 2);

        private final String title;
        private final int connections;

        Kind(String title, int connections) {
            this.title = title;
            this.connections = connections;
        }

        String title() {
            return title;
        }

        int connections() {
            return connections;
        }
    }

    /** @param accountsMax so many are added; the connections of {@link Kind#ACCOUNTS} end then */
    Attack(URI api, Secret key, List<HostileServers.Address> servers, int accountsMax) {
        this.api = api.resolve("/v1/");
        this.key = key;
        this.servers = servers;
        this.accountsMax = accountsMax;
        for (Kind kind : Kind.values()) {
            answers.put(kind, new ConcurrentSkipListMap<>());
        }
    }

    void start() {
        for (Kind kind : Kind.values()) {
            for (int connection = 0; connection < kind.connections(); connection++) {
                threads.add(Thread.ofVirtual().name(kind.name()).start(() -> run(kind)));
            }
        }
    }

    /** Ends the requests. What they added stays. */
    @Override
    public void close() {
        stopped = true;
        http.shutdownNow();
        for (Thread thread : threads) {
            try {
                thread.join(ANSWER_WAIT.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }

    /** By HTTP status; 0: the connection ended without an answer. */
    Map<Integer, Long> answers(Kind kind) {
        Map<Integer, Long> counts = new TreeMap<>();
        answers.get(kind).forEach((status, count) -> counts.put(status, count.get()));
        return counts;
    }

    private void run(Kind kind) {
        while (!stopped) {
            HttpRequest request =
                    switch (kind) {
                        case FLOOD -> request("accounts?limit=500", key).GET().build();
                        case LARGE_BODIES -> post("accounts", largeBody);
                        case WRONG_KEYS ->
                            request("accounts", new Secret("pb_" + "x".repeat(30) + System.nanoTime()))
                                    .GET()
                                    .build();
                        case ACCOUNTS -> {
                            int number = accounts.getAndIncrement();
                            yield number < accountsMax ? post("accounts", account(number)) : null;
                        }
                    };
            if (request == null) {
                return;
            }
            int status = send(request);
            if (!stopped) {
                answers.get(kind)
                        .computeIfAbsent(status, first -> new AtomicLong())
                        .incrementAndGet();
            }
        }
    }

    private int send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (IOException e) {
            return NO_ANSWER;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
            return NO_ANSWER;
        }
    }

    private HttpRequest post(String path, byte[] body) {
        return request(path, key)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
    }

    private HttpRequest.Builder request(String path, Secret key) {
        return HttpRequest.newBuilder(api.resolve(path))
                .timeout(ANSWER_WAIT)
                .header("Authorization", "Bearer " + key.reveal());
    }

    private byte[] account(int number) {
        HostileServers.Address server = servers.get(number % servers.size());
        String address = "user" + number + "@example.net";
        return EventCodec.encode(Map.of(
                "protocol",
                "imap",
                "email",
                address,
                "username",
                address,
                "password",
                "worthless",
                "imap",
                Map.of("host", server.host(), "port", server.port(), "tls", "none")));
    }

    private static byte[] unknownKeys(int bytes) {
        StringBuilder json = new StringBuilder(bytes + 100).append('{');
        for (int number = 0; json.length() < bytes; number++) {
            json.append("\"k").append(number).append("\":1,");
        }
        return json.append("\"end\":1}").toString().getBytes(StandardCharsets.US_ASCII);
    }
}
