package org.postbus.mail.jmap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.datagram.DatagramSocket;
import io.vertx.core.dns.DnsClient;
import io.vertx.core.dns.DnsClientOptions;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postbus.mail.egress.EgressConnector;
import org.postbus.mail.egress.PrivateListener;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.jmap.fake.FakeJmapServer;
import org.postbus.mail.jmap.http.JmapDiscovery.Found;

class JmapDiscoveryTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static final String WELL_KNOWN = "/.well-known/jmap";
    private static final Duration WAIT = Duration.ofSeconds(60);
    private FakeJmapServer server;
    private DatagramSocket names;
    private final List<Srv> records = new ArrayList<>();

    private record Srv(int priority, int weight, int port, String target) {}

    @BeforeEach
    void start() throws Exception {
        server = FakeJmapServer.start(VERTX);
        names = VERTX.createDatagramSocket();
        names.handler(packet -> names.send(
                answer(packet.data()), packet.sender().port(), packet.sender().host()));
        names.listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() {
        server.close();
        names.close();
    }

    @AfterAll
    static void stopVertx() throws Exception {
        VERTX.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @Test
    void a_server_named_by_srv_records_is_found_through_its_redirects() {
        records.add(new Srv(20, 0, port(), "localhost"));
        records.add(new Srv(10, 5, 1, "localhost"));
        server.next(WELL_KNOWN, redirect("/session"));

        assertThat(find("example.com"))
                .contains(new Found(URI.create("http://localhost:" + port() + "/session"), false));
        assertThat(server.complaints()).isEmpty();
    }

    @Test
    void a_host_of_the_domain_is_marked_as_such() {
        records.add(new Srv(10, 0, port(), "localhost"));
        server.next(WELL_KNOWN, redirect("/session"));

        assertThat(find("LOCALHOST").orElseThrow().ofTheDomain()).isTrue();
    }

    @Test
    void invalid_sessions_and_endless_redirects_are_skipped() {
        records.add(new Srv(10, 0, port(), "localhost"));
        server.next(WELL_KNOWN, request -> request.response().end("<html>Welcome</html>"));
        assertThat(find("example.invalid")).isEmpty();

        for (int i = 0; i < 7; i++) {
            server.next(WELL_KNOWN, redirect(WELL_KNOWN));
        }
        assertThat(find("example.invalid")).isEmpty();
        assertThat(server.isAllMet()).as("at most 5 redirects are followed").isFalse();
    }

    @Test
    void a_host_that_is_not_allowed_is_not_asked_neither_at_first_nor_after_a_redirect() {
        records.add(new Srv(10, 0, port(), "half-private.test"));
        records.add(new Srv(20, 0, port(), "127.0.0.1"));
        server.next(WELL_KNOWN, redirect("http://half-private.test:" + port() + "/elsewhere"));
        server.next(
                "/elsewhere", request -> request.response().setStatusCode(401).end());

        assertThat(find("example.invalid")).isEmpty();
        assertThat(server.isAllMet()).as("/elsewhere was not asked").isFalse();
        assertThat(server.complaints()).isEmpty();
    }

    @Test
    void an_srv_target_that_is_private_or_no_host_is_not_connected_to() {
        try (PrivateListener listener = new PrivateListener()) {
            records.add(new Srv(10, 0, listener.port(), "private.test"));
            records.add(new Srv(20, 0, listener.port(), "0x7f.2"));
            records.add(new Srv(30, 0, listener.port(), "a b"));

            assertThat(find("example.invalid")).isEmpty();

            listener.assertUntouched();
        }
    }

    @Test
    void invalid_domain_has_no_servers() {
        assertThat(find("exam ple")).isEmpty();
    }

    private int port() {
        return server.sessionUrl().getPort();
    }

    private Optional<Found> find(String domain) {
        DnsClient dns = VERTX.createDnsClient(new DnsClientOptions()
                .setHost("127.0.0.1")
                .setPort(names.localAddress().port()));
        EgressConnector egress = TestEgress.toThisMachine(
                VERTX,
                Map.of(
                        "localhost",
                        List.of("127.0.0.1"),
                        "half-private.test",
                        List.of("127.0.0.1", "10.0.0.1"),
                        "private.test",
                        List.of("10.0.0.1", PrivateListener.ADDRESS)));
        return new JmapDiscovery(egress, dns, "http", JmapOptions.DEFAULTS)
                .find(domain)
                .await()
                .atMost(WAIT);
    }

    private static Consumer<HttpServerRequest> redirect(String to) {
        return request ->
                request.response().setStatusCode(307).putHeader("Location", to).end();
    }

    /** RFC 1035 section 4.1, RFC 2782: the question again, and every record as an answer to it. */
    private Buffer answer(Buffer query) {
        int end = 12;
        while (query.getByte(end) != 0) {
            end += query.getByte(end) + 1;
        }
        Buffer answer = Buffer.buffer()
                .appendShort(query.getShort(0))
                .appendShort((short) 0x8180)
                .appendShort((short) 1)
                .appendShort((short) records.size())
                .appendInt(0)
                .appendBuffer(query.getBuffer(12, end + 5));
        for (Srv record : records) {
            Buffer target = Buffer.buffer();
            for (String label : record.target().split("\\.")) {
                target.appendByte((byte) label.length()).appendBytes(label.getBytes(StandardCharsets.US_ASCII));
            }
            target.appendByte((byte) 0);
            answer.appendShort((short) 0xC00C)
                    .appendShort((short) 33)
                    .appendShort((short) 1)
                    .appendInt(60)
                    .appendShort((short) (6 + target.length()))
                    .appendShort((short) record.priority())
                    .appendShort((short) record.weight())
                    .appendShort((short) record.port())
                    .appendBuffer(target);
        }
        return answer;
    }
}
