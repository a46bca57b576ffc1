package org.postbus.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.gateway.body.BodyOctetsMax;

/** One tenant sends the worst bodies to every route. Meanwhile another tenant's requests and the liveness probe are answered. */
class WorstBodiesIT extends GatewayTest {
    /** Far above what these requests take, far below what one of the bodies took before they had limits (24 s). */
    private static final Duration OTHERS_WAIT_MAX = Duration.ofSeconds(3);

    private static final Duration ANSWER_MAX = Duration.ofSeconds(30);
    private static final List<Integer> DONE_OR_REFUSED =
            List.of(200, 201, 202, 204, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503);
    private static final int AT_ONCE = 4;
    private static final int LARGE = 1 << 20;
    private static final int LARGE_AT_ONCE = 2;

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final AtomicLong worstNanos = new AtomicLong();
    private final List<String> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> others = new ArrayList<>();

    @BeforeEach
    void watch() {
        // Without it, messages would be refused before they are read.
        api.call(
                "PATCH",
                accountPath(),
                "{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 1025, \"tls\": \"none\"}}",
                MERGE_PATCH);
        ApiCaller theirs = caller(gateway, theirKey);
        ApiCaller probe = new ApiCaller(http, gateway.management(), Optional.empty());
        others.add(Thread.startVirtualThread(() -> measure(theirs, "/v1/accounts")));
        others.add(Thread.startVirtualThread(() -> measure(probe, "/q/health/live")));
    }

    @AfterEach
    void others_were_answered() throws Exception {
        running.set(false);
        for (Thread other : others) {
            other.join(ANSWER_MAX);
        }
        assertThat(failures).isEmpty();
        assertThat(Duration.ofNanos(worstNanos.get())).isLessThan(OTHERS_WAIT_MAX);
        assertThat(gateway.isAlive()).isTrue();
    }

    private void measure(ApiCaller caller, String path) {
        while (running.get()) {
            long begin = System.nanoTime();
            try {
                int status = caller.get(path).status();
                if (status != 200) {
                    failures.add(path + ": " + status);
                }
            } catch (AssertionError e) {
                failures.add(path + ": " + e.getCause());
            }
            worstNanos.accumulateAndGet(System.nanoTime() - begin, Math::max);
            try {
                TimeUnit.MILLISECONDS.sleep(20);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** The routes in the code are those in the document: none with a body is registered in another way. */
    @Test
    void all_routes_with_a_body_are_known() {
        assertThat(BodyRoute.all().stream()
                        .map(route -> route.method() + " " + route.path())
                        .collect(Collectors.toSet()))
                .isEqualTo(operations().stream()
                        .filter(operation -> !operation.method().equals("GET"))
                        .map(operation -> operation.method() + " " + operation.path())
                        .collect(Collectors.toSet()));
    }

    @Test
    void the_worst_bodies_delay_no_other_tenant() {
        for (BodyRoute route : BodyRoute.all()) {
            Map<String, Supplier<byte[]>> bodies =
                    route.isJson() ? WorstBody.json(route.octetsMax()) : WorstBody.message(route.octetsMax());
            if (route.mediaTypes().isEmpty()) {
                // What it holds makes no difference to a route that ignores it.
                bodies.keySet().retainAll(Set.of("unknown names", "nested arrays"));
            }
            int atOnce = route.octetsMax() > LARGE ? LARGE_AT_ONCE : AT_ONCE;
            bodies.forEach((name, made) -> {
                byte[] body = made.get();
                List<CompletableFuture<Integer>> answers = new ArrayList<>();
                for (int i = 0; i < atOnce; i++) {
                    // Every other one in chunks, without a Content-Length.
                    BodyPublisher publisher = i % 2 == 0
                            ? BodyPublishers.ofByteArray(body)
                            : BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body));
                    answers.add(send(route, publisher));
                }
                answers.forEach(answer -> assertThat(answer.orTimeout(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS)
                                .join())
                        .as(route + ": " + name)
                        .isIn(DONE_OR_REFUSED));
            });
        }
    }

    @Test
    void octets_are_counted_while_they_arrive() {
        for (BodyRoute route : BodyRoute.all()) {
            // When
            int status = send(
                            route,
                            BodyPublishers.ofInputStream(() -> new Spaces(route.octetsMax() + BodyOctetsMax.DEFAULT)))
                    .orTimeout(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS)
                    .join();

            // Then
            assertThat(status).as(route.toString()).isIn(refused(route));
        }
    }

    /** Too large; or, for a route of operators, refused before. */
    private static List<Integer> refused(BodyRoute route) {
        return route.path().startsWith("/v1/admin") ? List.of(413, 403) : List.of(413);
    }

    @Test
    void a_declared_length_is_refused_before_the_body_is_read() {
        for (BodyRoute route : BodyRoute.all()) {
            int status = send(route, BodyPublishers.ofByteArray(new byte[route.octetsMax() + 1]))
                    .orTimeout(ANSWER_MAX.toSeconds(), TimeUnit.SECONDS)
                    .join();
            assertThat(status).as(route.toString()).isIn(refused(route));
        }
    }

    /** Routes that take no body, with one that does not end: the answer comes, then the connection is closed. */
    @Test
    void bodies_where_none_is_expected_are_not_kept() throws Exception {
        for (String path : List.of("/v1/accounts", "/v1/events", "/openapi", "/v1/nothing")) {
            HttpRequest request = api.request(path)
                    .method("GET", BodyPublishers.ofInputStream(() -> new Spaces(48 << 20)))
                    .timeout(ANSWER_MAX)
                    .build();
            try {
                HttpResponse<InputStream> answer = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
                answer.body().close();
                assertThat(answer.statusCode()).as(path).isIn(200, 404);
            } catch (java.io.IOException closed) {
                // The client was still sending.
            }
        }
        assertThat(api.get("/v1/accounts").status()).isEqualTo(200);
    }

    @Test
    void long_query_strings_path_parameters_and_headers_are_refused() throws Exception {
        String text = "x".repeat(3_000);
        for (String path : List.of(
                "/v1/accounts?cursor=" + text,
                "/v1/accounts?limit=" + "9".repeat(3_000),
                "/v1/accounts/" + text,
                accountPath() + "/emails/" + text,
                accountPath() + "/emails?cursor=" + text,
                accountPath() + "/emails?mailboxId=" + text,
                accountPath() + "/mutations?" + "state=x&".repeat(400),
                accountPath() + "/changes?since=" + "9".repeat(3_000),
                "/v1/events?accountId=" + text,
                "/v1/discovery?email=a@" + text)) {
            assertThat(api.get(path).status()).as(path.substring(0, 40)).isIn(400, 404, 422);
        }
        assertThat(api.get("/v1/accounts?cursor=" + "x".repeat(100_000)).status())
                .isEqualTo(414);
        HttpRequest lastEventId = api.request("/v1/events")
                .header("Last-Event-ID", "AA".repeat(8_000))
                .build();
        assertThat(http.send(lastEventId, HttpResponse.BodyHandlers.ofString()).statusCode())
                .isEqualTo(400);
        assertThat(api.call(
                                "POST",
                                accountPath() + "/mailboxes",
                                "{\"name\":\"x\"}",
                                ApiCaller.JSON,
                                Optional.of("k".repeat(256)))
                        .status())
                .isEqualTo(400);
    }

    private CompletableFuture<Integer> send(BodyRoute route, BodyPublisher body) {
        // The account itself is not to be deleted.
        boolean deletes = route.method().equals("DELETE") && route.path().endsWith("{accountId}");
        String path = route.path()
                .replace("{accountId}", deletes ? UUID.randomUUID().toString() : account.toString())
                .replaceAll("\\{\\w+}", UUID.randomUUID().toString());
        HttpRequest request = api.request(path)
                .method(route.method(), body)
                .header("Content-Type", route.mediaType())
                .timeout(ANSWER_MAX)
                .build();
        return http.sendAsync(request, HttpResponse.BodyHandlers.discarding()).thenApply(HttpResponse::statusCode);
    }

    /** A body of spaces, which JSON may have as many as it likes. */
    private static final class Spaces extends InputStream {
        private int left;

        Spaces(int octets) {
            this.left = octets;
        }

        @Override
        public int read() {
            return left-- > 0 ? ' ' : -1;
        }

        @Override
        public int read(byte[] octets, int offset, int length) {
            if (left <= 0) {
                return -1;
            }
            int count = Math.min(length, left);
            java.util.Arrays.fill(octets, offset, offset + count, (byte) ' ');
            left -= count;
            return count;
        }
    }
}
