package org.postbus.boundary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Directories;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.model.AccountId;

/**
 * A tenant with an API key tries to make the gateway, a fetcher and the outbound service connect to a private listener. The services are
 * allowed to reach one address of this machine, 127.0.0.2, on which the tenant's mail servers are; 127.0.0.1 is private. No attack makes a
 * connection to the private listener, and no answer contains what it sends.
 */
class EgressIT {
    private static final Duration LIMIT = Duration.ofSeconds(120);
    private static final String REFUSED = "not on the public Internet";
    private static final List<String> SPELLINGS = List.of(
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0",
            "0.0.0.0",
            "localhost",
            "LOCALHOST.",
            "::1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "::1%lo",
            "\uff11\uff12\uff17.0.0.1",
            "127\u30020\u30020\u30021",
            "127.0.0.2@127.0.0.1",
            "127.0.0.1#127.0.0.2");
    /** As the authority of a URL in a header. */
    private static final List<String> IN_REDIRECTS = List.of(
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "0177.0.0.1",
            "0x7f.1",
            "2130706433",
            "0",
            "0.0.0.0",
            "localhost",
            "localhost.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "127.0.0.2@localhost");

    private static final List<Integer> REDIRECTS = List.of(301, 302, 303, 307, 308);
    private static final James.User USER = James.User.of("mallory", "secret");

    private static PrivateListener listener;
    private static LocalPostbus postbus;
    private static HostileJmapServer hostile;
    private static PostbusApi api;

    @BeforeAll
    static void start() {
        Path directory = Path.of("target", "egress").toAbsolutePath();
        Directories.delete(directory);
        listener = new PrivateListener();
        postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.temporary(directory, List.of(USER))
                        .serviceHeap("192m")
                        .environment(Map.of(
                                "POSTBUS_EGRESS_PRIVATE_NETWORKS",
                                PublicRelay.HOST + "/32",
                                "POSTBUS_EGRESS_PORTS",
                                "1-65535",
                                "POSTBUS_EGRESS_PLAIN_TEXT",
                                "private-networks",
                                "POSTBUS_QUOTA_CHECKS_PER_MINUTE",
                                "10000")),
                System.out::println);
        Runtime.getRuntime().addShutdownHook(new Thread(postbus::close, "close"));
        postbus.start();
        api = new PostbusApi(postbus.api(), postbus.apiKey().text());
        hostile = new HostileJmapServer(postbus.james(), listener.port());
        append("before");
    }

    @AfterAll
    static void stop() throws Exception {
        hostile.close();
        api.close();
        postbus.close();
        listener.close();
    }

    @AfterEach
    void nothing_reached_the_private_listener() {
        assertThat(listener.takeConnections()).isEmpty();
    }

    @Test
    void no_spelling_of_a_private_host_is_accepted_in_a_request() throws Exception {
        try (PublicRelay imap = new PublicRelay(postbus.james().ports().imap())) {
            String account = "accounts/" + added(imapAccount(imap.port()));
            for (String host : SPELLINGS) {
                for (ObjectNode request : requestsWith(host, imap.port())) {
                    assertRefused(request, shown(() -> api.post("accounts/check", request)));
                    assertRefused(request, shown(() -> api.post("accounts", request)));
                }
                ObjectNode imapChange = EventCodec.mapper().createObjectNode();
                putServer(imapChange, "imap", host, listener.port());
                assertRefused(imapChange, shown(() -> api.patch(account, imapChange)));
                ObjectNode smtpChange = EventCodec.mapper().createObjectNode();
                putServer(smtpChange, "smtp", host, listener.port());
                assertRefused(smtpChange, shown(() -> api.patch(account, smtpChange)));
            }
            assertThat(get(account).at("/imap/host").asText()).isEqualTo(PublicRelay.HOST);
            assertThat(get(account).has("smtp")).isFalse();
            delete(account);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "localhost", "[::1]", "2130706433"})
    void discovery_asks_no_private_host(String domain) {
        PostbusApi.Answer answer = shown(
                () -> api.get("discovery?email=" + URLEncoder.encode("mallory@" + domain, StandardCharsets.UTF_8)));

        assertThat(answer.status()).isIn(200, 422);
        assertThat(answer.body().has("jmap")).isFalse();
    }

    @Test
    void no_redirect_of_a_session_leads_to_a_private_host() {
        int tried = 0;
        for (String host : IN_REDIRECTS) {
            for (String path : List.of("/redirect/", "/twice/")) {
                int status = REDIRECTS.get(tried++ % REDIRECTS.size());
                URI url = hostile.url(
                        path + status + "/" + host.replace("[", "%5B").replace("]", "%5D"));

                JsonNode outcome = shown(() -> api.post("accounts/check", jmapAccount(url)))
                        .expect(200);

                assertThat(outcome.get("ok").asBoolean()).as("%s", url).isFalse();
            }
        }
        assertThat(hostile.redirects()).isEqualTo(tried);

        // A fetcher is redirected the same way.
        String account = "accounts/" + added(jmapAccount(hostile.url("/redirect/307/localhost")));
        awaitText(
                        "the fetcher's error",
                        () -> get(account).at("/sync/lastError").asText())
                .isNotEmpty();
        assertThat(hostile.redirects()).isGreaterThan(tried);
        delete(account);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "localhost"})
    void an_account_of_earlier_that_names_a_private_host_is_refused_by_each_service(String host) throws Exception {
        String account;
        String email;
        try (PublicRelay imap = new PublicRelay(postbus.james().ports().imap());
                PublicRelay smtp = new PublicRelay(postbus.james().ports().smtp())) {
            ObjectNode request = imapAccount(imap.port());
            putServer(request, "smtp", PublicRelay.HOST, smtp.port());
            AccountId id = added(request);
            account = "accounts/" + id;
            awaitIdle(account);
            email = api.emails(id).getFirst().get("id").asText();
            change(id, """
                    jsonb_set(jsonb_set(account.settings, '{imap}', server.json), '{smtp}', server.json)
                    from (select jsonb_build_object('host', '%s', 'port', %d, 'tls', 'none') as json) as server
                    """.formatted(host, listener.port()));
        }
        api.mutate(
                AccountId.of(account.substring("accounts/".length())),
                email,
                Map.of("keywords", Map.of("$seen", true)));
        send(account);
        shown(() -> api.post(account + "/sync", null));

        awaitText(
                        "the fetcher's error",
                        () -> get(account).at("/sync/lastError").asText())
                .contains(REFUSED);
        awaitText(
                        "the error of the mutation",
                        () -> get(account + "/mutations").at("/list/0/error").asText())
                .contains(REFUSED);
        awaitText(
                        "the error of the submission",
                        () -> get(account + "/submissions").at("/list/0/error").asText())
                .contains(REFUSED);
        assertThat(shown(() -> api.get(account + "/emails/" + email + "/raw")).status())
                .isGreaterThanOrEqualTo(500);
        delete(account);
    }

    @Test
    void no_api_of_a_session_is_asked_on_a_private_host() throws Exception {
        AccountId id = addedWithTrust(HostileJmapServer.Trap.API);

        awaitText(
                        "the fetcher's error",
                        () -> get("accounts/" + id).at("/sync/lastError").asText())
                .contains(REFUSED);
        delete("accounts/" + id);
    }

    @Test
    void no_push_of_a_session_is_asked_for_on_a_private_host() throws Exception {
        AccountId id = addedWithTrust(HostileJmapServer.Trap.PUSH);
        awaitIdle("accounts/" + id);

        append("after");

        await().atMost(LIMIT)
                .until(() -> api.emails(id).stream()
                        .anyMatch(email -> email.path("subject").asText().equals("after")));
        delete("accounts/" + id);
    }

    @Test
    void no_blob_of_a_session_is_loaded_from_a_private_host_or_sent_to_it() throws Exception {
        AccountId id = addedWithTrust(HostileJmapServer.Trap.BLOBS);
        String account = "accounts/" + id;
        awaitIdle(account);

        String email = api.emails(id).getFirst().get("id").asText();
        assertThat(shown(() -> api.get(account + "/emails/" + email + "/raw")).status())
                .isGreaterThanOrEqualTo(500);
        send(account);
        awaitText(
                        "the error of the submission",
                        () -> get(account + "/submissions").at("/list/0/error").asText())
                .contains(REFUSED);
        delete(account);
    }

    /** The gateway refuses to store trust in a private host, so the row is changed as if it had been stored before. */
    private static AccountId addedWithTrust(HostileJmapServer.Trap trap) throws SQLException {
        AccountId id = added(jmapAccount(hostile.session(trap)));
        change(id, "jsonb_set(settings, '{trustedHosts}', '[\"127.0.0.1\", \"localhost\"]')");
        return id;
    }

    /** @param settings an SQL expression, and what may follow it */
    private static void change(AccountId account, String settings) throws SQLException {
        try (Connection database = postbus.postgres().database().connectAsAdmin();
                PreparedStatement update =
                        database.prepareStatement("update account set revision = revision + 1, settings = " + settings
                                + " where account_id = ?")) {
            update.setObject(1, account.value());
            assertThat(update.executeUpdate()).isEqualTo(1);
        }
    }

    private static void send(String account) {
        shown(() -> api.post(
                        account + "/submissions",
                        Map.of("to", List.of(Map.of("email", USER.address())), "subject", "Hello", "text", "Hello.")))
                .expect(202);
    }

    private static List<ObjectNode> requestsWith(String host, int publicPort) {
        List<ObjectNode> requests = new ArrayList<>();
        ObjectNode imap = imapAccount(publicPort);
        putServer(imap, "imap", host, listener.port());
        requests.add(imap);
        ObjectNode smtp = imapAccount(publicPort);
        putServer(smtp, "smtp", host, listener.port());
        requests.add(smtp);
        ObjectNode session = jmapAccount(hostile.session(HostileJmapServer.Trap.API));
        session.putObject("jmap").put("sessionUrl", "http://" + host + ":" + listener.port() + "/jmap/session");
        requests.add(session);
        ObjectNode trusted = jmapAccount(hostile.session(HostileJmapServer.Trap.API));
        trusted.withObject("/jmap").putArray("trustedHosts").add(host);
        requests.add(trusted);
        return requests;
    }

    private static ObjectNode imapAccount(int port) {
        ObjectNode account = account("imap");
        putServer(account, "imap", PublicRelay.HOST, port);
        return account;
    }

    private static ObjectNode jmapAccount(URI session) {
        ObjectNode account = account("jmap");
        account.putObject("jmap").put("sessionUrl", session.toString());
        return account;
    }

    private static ObjectNode account(String protocol) {
        return EventCodec.mapper()
                .createObjectNode()
                .put("protocol", protocol)
                .put("email", USER.address())
                .put("username", USER.address())
                .put("password", USER.password().reveal())
                .put("allowDuplicate", true);
    }

    private static void putServer(ObjectNode account, String name, String host, int port) {
        account.putObject(name).put("host", host).put("port", port).put("tls", "none");
    }

    private static AccountId added(ObjectNode account) {
        return AccountId.of(
                shown(() -> api.post("accounts", account)).expect(201).get("id").asText());
    }

    private static JsonNode get(String path) {
        return shown(() -> api.get(path)).expect(200);
    }

    private static void delete(String account) {
        shown(() -> api.delete(account)).expect(204);
    }

    private static PostbusApi.Answer shown(Supplier<PostbusApi.Answer> call) {
        PostbusApi.Answer answer = call.get();
        assertThat(answer.body().toString()).doesNotContain(PrivateListener.BANNER);
        return answer;
    }

    private static void assertRefused(ObjectNode request, PostbusApi.Answer answer) {
        assertThat(answer.status()).as("%s: %s", request, answer.body()).isEqualTo(422);
    }

    private static void awaitIdle(String account) {
        awaitText("the sync state", () -> get(account).at("/sync/state").asText())
                .isEqualTo("idle");
    }

    private static Expected awaitText(String what, Supplier<String> text) {
        return new Expected(what, text);
    }

    private record Expected(String what, Supplier<String> text) {
        void contains(String part) {
            await(what).atMost(LIMIT).untilAsserted(() -> assertThat(text.get()).contains(part));
        }

        void isEqualTo(String whole) {
            await(what).atMost(LIMIT).untilAsserted(() -> assertThat(text.get()).isEqualTo(whole));
        }

        void isNotEmpty() {
            await(what).atMost(LIMIT).untilAsserted(() -> assertThat(text.get()).isNotEmpty());
        }
    }

    private static void append(String subject) {
        try (RawImap imap = RawImap.login(
                James.HOST,
                postbus.james().ports().imap(),
                USER.address(),
                USER.password().reveal())) {
            byte[] message = ("From: a@example.com\r\nTo: " + USER.address() + "\r\nSubject: " + subject
                            + "\r\nMessage-ID: <" + subject + "@example.com>\r\n\r\nText.\r\n")
                    .getBytes(StandardCharsets.US_ASCII);
            imap.append("INBOX", Set.of(), Instant.now(), message);
        }
    }
}
