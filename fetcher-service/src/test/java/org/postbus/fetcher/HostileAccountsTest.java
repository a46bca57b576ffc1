package org.postbus.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.WebSocketFrame;
import io.vertx.core.streams.WriteStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.postbus.account.AccountSettings;
import org.postbus.account.ServerAddress;
import org.postbus.account.TlsMode;
import org.postbus.devstack.DevStack;
import org.postbus.fetcher.imap.QuirkyImapServer;
import org.postbus.fetcher.source.HostBudget;
import org.postbus.mail.imap.connection.ImapOptions;
import org.postbus.mail.imap.fake.HostileImapServer;
import org.postbus.mail.imap.fake.HostileImapServer.Behaviour;
import org.postbus.mail.imap.fake.HostileImapServer.Victim;
import org.postbus.mail.jmap.fake.FakeJmapServer;

/**
 * Accounts on hostile servers, all at once in one fetcher, in a heap of 192 MB: each gets an error that says what happened, and
 * an account on a good server is synced meanwhile as if they did not exist.
 */
@Isolated
class HostileAccountsTest {
    private static final long ENDLESS = Long.MAX_VALUE;
    /** Generous: the hostile servers take most of the CPU of the same machine. Seconds are shown by the bench. */
    private static final Duration DELAY_MAX = Duration.ofSeconds(60);

    private static final Duration REPORT_TIME_MAX = Duration.ofSeconds(120);
    /** Two chunks of Netty's pool, which it keeps, and what tests need. */
    private static final long GROWTH_OCTETS_MAX = 40 << 20;

    /** @param says part of the error that the API shows */
    private record Case(String name, Kind kind, TlsMode tls, Behaviour server, String says) {}

    private enum Kind {
        IMAP,
        JMAP
    }

    private static final String SESSION = """
            {"capabilities":{"urn:ietf:params:jmap:core":{},"urn:ietf:params:jmap:mail":{}},
             "accounts":{"A1":{"accountCapabilities":{"urn:ietf:params:jmap:mail":{}}}},
             "primaryAccounts":{"urn:ietf:params:jmap:mail":"A1"},"apiUrl":"/api/","state":"1"}""";

    private final List<Case> cases = new ArrayList<>();

    private void fails(String name, String says, Behaviour server) {
        cases.add(new Case(name, Kind.IMAP, TlsMode.NONE, server, says));
    }

    private void failsByJmap(String name, String says, Behaviour server) {
        cases.add(new Case(name, Kind.JMAP, TlsMode.NONE, server, says));
    }

    /** A JMAP server that answers this to every request but the one for the session. */
    private static Behaviour api(Behaviour answer) {
        return victim -> {
            while (true) {
                String request = victim.hear();
                int length = 0;
                for (String header = victim.hear(); !header.isEmpty(); header = victim.hear()) {
                    if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                        length = Integer.parseInt(
                                header.substring("content-length:".length()).strip());
                    }
                }
                victim.skip(length);
                if (request.startsWith("GET /session")) {
                    json(SESSION.length()).to(victim);
                    victim.say(SESSION);
                } else {
                    answer.to(victim);
                }
            }
        };
    }

    /** The head of an answer of so many bytes. */
    private static Behaviour json(long length) {
        return victim -> victim.say(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n");
    }

    /** A normal server until it gets a command with this beginning. */
    private static Behaviour until(String command, Behaviour then) {
        return until(command, (victim, tag) -> then.to(victim));
    }

    private interface Reply {
        void to(Victim victim, String tag) throws IOException, InterruptedException;
    }

    private static Behaviour until(String command, Reply then) {
        return victim -> {
            victim.say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
            while (true) {
                String line = victim.hear();
                String tag = line.substring(0, line.indexOf(' '));
                String said = line.substring(tag.length() + 1);
                if (said.startsWith(command)) {
                    then.to(victim, tag);
                    continue;
                }
                ordinary(victim, tag, said);
            }
        };
    }

    private static void ordinary(Victim victim, String tag, String said) throws IOException {
        String capability = "CAPABILITY IMAP4rev1 ENABLE CONDSTORE UNSELECT IDLE";
        switch (said.split(" ")[0]) {
            case "LOGIN" -> victim.say(tag + " OK [" + capability + "] welcome\r\n");
            case "CAPABILITY" -> victim.say("* " + capability + "\r\n" + tag + " OK done\r\n");
            case "LIST" -> victim.say("* LIST () \"/\" INBOX\r\n" + tag + " OK done\r\n");
            case "STATUS" ->
                victim.say("* STATUS INBOX (MESSAGES 10 UNSEEN 0 UIDNEXT 11 UIDVALIDITY 5 HIGHESTMODSEQ 9)\r\n" + tag
                        + " OK done\r\n");
            case "EXAMINE", "SELECT" ->
                victim.say("* 10 EXISTS\r\n* OK [UIDVALIDITY 5] ok\r\n* OK [UIDNEXT 11] ok\r\n"
                        + "* OK [HIGHESTMODSEQ 9] ok\r\n" + tag + " OK done\r\n");
            case "UID" -> {
                if (said.startsWith("UID SEARCH")) {
                    victim.say("* SEARCH 1 2 3 4 5 6 7 8 9 10\r\n");
                }
                victim.say(tag + " OK done\r\n");
            }
            case "IDLE" -> {
                victim.say("+ idling\r\n");
                victim.hear();
                victim.say(tag + " OK done\r\n");
            }
            default -> victim.say(tag + " OK done\r\n");
        }
    }

    private void collectCasesOfMemory() {
        for (int i = 0; i < 4; i++) {
            fails("31 MiB where 64 KiB were asked for", "more than was asked for", until("UID FETCH", victim -> {
                for (int uid = 1; uid <= 10; uid++) {
                    victim.say("* " + uid + " FETCH (UID " + uid + " FLAGS () BODY[]<0> {32505856}\r\n");
                    victim.repeat("x", 32_505_856);
                    victim.say(")\r\n");
                }
            }));
        }
        fails("more than was asked for, in quotes", "were asked for", until("UID FETCH", victim -> {
            victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> \"");
            victim.repeat("x", 900_000);
            victim.say("\")\r\n");
        }));
        fails("SEARCH of a range for every octet", "an answer of more than", until("UID SEARCH", victim -> {
            for (long first = 1; true; first += 100_000) {
                StringBuilder uids = new StringBuilder("* SEARCH");
                for (long uid = first; uid < first + 100_000; uid += 2) {
                    uids.append(' ').append(uid);
                }
                victim.say(uids + "\r\n");
            }
        }));
        fails("more mailboxes than an account may have", "mailboxes", until("LIST", (victim, tag) -> {
            for (int i = 0; i <= 10_000; i++) {
                victim.say("* LIST () \"/\" \"mailbox " + i + "\"\r\n");
            }
            victim.say(tag + " OK done\r\n");
        }));
        fails("compressed endless line", "octets", compressed("* OK "));
        fails(
                "compressed endless literal",
                "more than was asked for",
                compressed("* 1 FETCH (UID 1 BODY[]<0> {400000000}\r\n"));
        failsByJmap("session of 64 MiB", "answers more than", victim -> {
            json(64 << 20).to(victim);
            victim.say("[\"").repeat("x", ENDLESS);
        });
        for (int i = 0; i < 4; i++) {
            failsByJmap("JMAP answer of 64 MiB", "answers more than", api(victim -> {
                json(64 << 20).to(victim);
                victim.say("[\"").repeat("x", ENDLESS);
            }));
            failsByJmap("JMAP answer of millions of values", "so many values", api(victim -> {
                json(6_000_003).to(victim);
                victim.say("[[").repeat("],[", 2_000_000);
                victim.say("]");
            }));
        }
        failsByJmap("JMAP answer nested a million times", "nested too deep", api(victim -> {
            json(200_000).to(victim);
            victim.repeat("[", 200_000);
        }));
    }

    /** After COMPRESS, this and then 400 MB that take a thousandth of it on the network. */
    private static Behaviour compressed(String beginning) {
        return victim -> {
            victim.say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
            while (true) {
                String line = victim.hear();
                String tag = line.substring(0, line.indexOf(' '));
                String said = line.substring(tag.length() + 1);
                switch (said.split(" ")[0]) {
                    case "LOGIN" ->
                        victim.say(tag + " OK [CAPABILITY IMAP4rev1 UNSELECT COMPRESS=DEFLATE] welcome\r\n");
                    case "STATUS" ->
                        victim.say("* STATUS INBOX (MESSAGES 2000 UNSEEN 0 UIDNEXT 2001 UIDVALIDITY 5)\r\n" + tag
                                + " OK done\r\n");
                    case "COMPRESS" -> {
                        victim.say(tag + " OK active\r\n");
                        OutputStream out = new DeflaterOutputStream(victim.out(), new Deflater(9, true), 8192, true);
                        out.write(beginning.getBytes(StandardCharsets.US_ASCII));
                        byte[] much = new byte[1 << 20];
                        Arrays.fill(much, (byte) 'x');
                        for (int i = 0; i < 400; i++) {
                            out.write(much);
                            out.flush();
                        }
                    }
                    default -> ordinary(victim, tag, said);
                }
            }
        };
    }

    /** Accounts in which only push is hostile: they are polled. */
    private static Map<String, FakeJmapServer> hostilePush(Vertx vertx) {
        Buffer much = Buffer.buffer("x".repeat(64 * 1024));
        FakeJmapServer endlessLine = FakeJmapServer.start(vertx);
        FakeJmapServer endlessMessage = FakeJmapServer.start(vertx);
        endlessMessage.session(session -> session.remove("eventSourceUrl"));
        endlessMessage.offerWebSocket();
        for (int i = 0; i < 100; i++) {
            endlessLine.next("/events", request -> {
                HttpServerResponse response = request.response().setChunked(true);
                response.putHeader("Content-Type", "text/event-stream").write("data: ");
                flood(response, () -> response.write(much));
            });
            endlessMessage.next(
                    "/ws",
                    request -> request.toWebSocket().onSuccess(socket -> {
                        socket.writeFrame(WebSocketFrame.textFrame("x", false));
                        flood(socket, () -> socket.writeFrame(WebSocketFrame.continuationFrame(much, false)));
                    }));
        }
        return Map.of("endless line of an event source", endlessLine, "endless WebSocket message", endlessMessage);
    }

    private static void flood(WriteStream<?> out, Runnable write) {
        out.exceptionHandler(closed -> {});
        out.drainHandler(drained -> flood(out, write));
        for (int i = 0; i < 100 && !out.writeQueueFull(); i++) {
            write.run();
        }
    }

    private static Behaviour repeating(String text) {
        return victim -> victim.repeat(text, ENDLESS);
    }

    private void collectCases() {
        // ---- before the login
        fails("never-ending greeting", "octets", victim -> victim.say("* OK ").repeat("hello ", ENDLESS));
        fails("another protocol", "not IMAP", victim -> victim.say("220 mail.example.com ESMTP\r\n"));
        fails("no greeting", "silent", victim -> {});
        fails("greeting that drips", "octets in", victim -> victim.drip("* OK ", 100));
        fails("NULs for a greeting", "no response", repeating("\0"));
        fails("binary noise", "", repeating("\u0016\u0003\u0001\u00ff"));
        fails("BYE at once", "BYE", victim -> victim.say("* BYE go away\r\n"));
        fails("reset at once", "onnect", Victim::reset);
        fails("capability flood", "octets", victim -> {
            victim.say("* OK hello\r\n");
            victim.hear();
            victim.say("* CAPABILITY").repeat(" X-NEW", ENDLESS);
        });
        fails("login that never ends", "the login was not done", until("LOGIN", victim -> {
            while (true) {
                Thread.sleep(500);
                victim.say("* OK still thinking about it\r\n");
            }
        }));
        fails("login that is not answered", "silent", until("LOGIN", victim -> {}));
        cases.add(new Case(
                "octets behind the OK to STARTTLS",
                Kind.IMAP,
                TlsMode.STARTTLS,
                victim -> {
                    victim.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n");
                    victim.hear();
                    victim.say("A1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] injected\r\n");
                },
                "plain text after STARTTLS"));
        cases.add(new Case("TLS handshake that never begins", Kind.IMAP, TlsMode.TLS, victim -> {}, "connect"));
        cases.add(new Case(
                "STARTTLS that is not offered",
                Kind.IMAP,
                TlsMode.STARTTLS,
                victim -> victim.say("* OK [CAPABILITY IMAP4rev1] hello\r\n"),
                "STARTTLS"));
        // ---- the list of mailboxes
        fails("a list that never comes", "silent", until("LIST", victim -> {}));
        fails("endless list", "", until("LIST", victim -> {
            for (long i = 0; true; i++) {
                victim.say("* LIST () \"/\" \"mailbox " + i + "\"\r\n");
            }
        }));
        fails(
                "endless list of long names",
                "an answer of more than",
                until("LIST", repeating("* LIST () \"/\" \"" + "n".repeat(3900) + "\"\r\n")));
        fails(
                "literal of 4 GB",
                "a literal of more than",
                until("LIST", victim -> victim.say("* LIST () \"/\" {4294967295}\r\n")));
        fails(
                "literal that never comes",
                "octets in",
                until("LIST", victim -> victim.say("* LIST () \"/\" {1000}\r\nabc")));
        fails("million untagged responses", "responses to one command", until("LIST", repeating("* OK nothing\r\n")));
        fails("answer with another tag", "not sent", until("LIST", victim -> victim.say("A99 OK done\r\n")));
        fails("refusal of half a megabyte", "NO maximum", until("LIST", (victim, tag) -> {
            victim.say(tag + " NO ");
            victim.repeat("maximum ", 65_000);
            victim.say("\r\n");
        }));
        // ---- an open mailbox
        fails(
                "endless line",
                "octets",
                until("EXAMINE", victim -> victim.say("* OK ").repeat("x", ENDLESS)));
        fails(
                "million changes of EXISTS",
                "an answer of more than",
                until("EXAMINE", repeating("* 1 EXISTS\r\n* 2 EXISTS\r\n")));
        fails("unsolicited continuations", "responses to one command", until("EXAMINE", repeating("+ go on\r\n")));
        fails(
                "SEARCH without end",
                "octets",
                until("UID SEARCH", victim -> victim.say("* SEARCH").repeat(" 1", ENDLESS)));
        fails(
                "SEARCH again and again",
                "",
                until("UID SEARCH", repeating("* SEARCH" + " 1 3 5 7 9".repeat(5000) + "\r\n")));
        fails(
                "SEARCH that does not say what it found",
                "without saying what it found",
                until("UID SEARCH", (victim, tag) -> victim.say(tag + " OK done\r\n")));
        // ---- messages
        fails(
                "message beyond the limit",
                "a literal of more than",
                until(
                        "UID FETCH",
                        victim -> victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> {2147483647}\r\n")
                                .repeat("x", ENDLESS)));
        fails(
                "message that drips",
                "octets in",
                until(
                        "UID FETCH",
                        victim -> victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> {60000}\r\n")
                                .drip("x", 50)));
        fails("several large literals in one response", "a literal of more than", until("UID FETCH", victim -> {
            victim.say("* 1 FETCH (UID 1");
            while (true) {
                victim.say(" BODY[HEADER] {30000000}\r\n").repeat("x", 30_000_000);
            }
        }));
        fails(
                "a hundred thousand empty literals",
                "",
                until("UID FETCH", victim -> victim.say("* 1 FETCH (UID 1").repeat(" X {0}\r\n", ENDLESS)));
        fails(
                "the same message for ever",
                "messages in answer",
                until("UID FETCH", repeating("* 1 FETCH (UID 1 FLAGS () BODY[]<0> {0}\r\n)\r\n")));
        fails(
                "reset in the middle of a message",
                "",
                until(
                        "UID FETCH",
                        victim -> victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> {60000}\r\nabc")
                                .reset()));
        fails("nesting without end", "", until("UID FETCH", victim -> {
            victim.say("* 1 FETCH (UID 1 BODYSTRUCTURE ");
            victim.repeat("(", ENDLESS);
        }));
    }

    @Test
    void hostile_accounts_get_an_error_and_do_not_affect_others() throws Exception {
        collectCases();
        collectCasesOfMemory();
        assertThat(cases).hasSizeGreaterThanOrEqualTo(30);
        List<AutoCloseable> open = new ArrayList<>();
        Vertx vertx = Vertx.vertx();
        try (QuirkyImapServer good =
                        new QuirkyImapServer("CONDSTORE", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT");
                FetcherUnderTest fetcher = new FetcherUnderTest(
                        DevStack.postgres().freshDatabase(),
                        Duration.ofMillis(500),
                        new HostBudget(20, 50, 1000),
                        ImapOptions.DEFAULT
                                .withSilenceMax(Duration.ofMillis(1500))
                                .withConnectTimeout(Duration.ofSeconds(2))
                                .withLoginTimeout(Duration.ofSeconds(5))
                                .withCompression(ImapOptions.Compression.ALWAYS))) {
            TestAccount neighbour =
                    fetcher.account(settings(new ServerAddress("127.0.0.1", good.port(), TlsMode.NONE)), "secret");
            fetcher.start(neighbour);
            await().atMost(REPORT_TIME_MAX).until(() -> state(neighbour).startsWith("idle"));
            long before = used();
            AtomicBoolean over = new AtomicBoolean();
            AtomicLong slowestMillis = new AtomicLong();
            Thread arrivals = Thread.ofVirtual().start(() -> mailArrives(good, neighbour, over, slowestMillis));

            Map<Case, TestAccount> accounts = new LinkedHashMap<>();
            for (Case one : cases) {
                HostileImapServer server = HostileImapServer.that(one.server());
                open.add(server);
                accounts.put(one, fetcher.account(settings(one, server.address(one.tls())), "secret"));
            }
            List<TestAccount> polled = new ArrayList<>();
            hostilePush(vertx).forEach((name, server) -> {
                open.add(server::close);
                polled.add(fetcher.account(
                        new AccountSettings.Jmap(FakeJmapServer.USER, server.sessionUrl()), FakeJmapServer.PASSWORD));
            });
            polled.forEach(fetcher::start);
            accounts.values().forEach(fetcher::start);
            await().atMost(REPORT_TIME_MAX).untilAsserted(() -> {
                accounts.entrySet().removeIf(one -> isReported(one.getKey(), one.getValue(), fetcher));
                assertThat(accounts.entrySet().stream().map(one -> one.getKey().name() + ": " + state(one.getValue())))
                        .isEmpty();
            });

            await().atMost(REPORT_TIME_MAX)
                    .untilAsserted(() -> assertThat(polled)
                            .allSatisfy(account -> assertThat(state(account)).startsWith("idle")));
            over.set(true);
            arrivals.join();
            assertThat(slowestMillis.get())
                    .as("milliseconds from arrival to the database")
                    .isPositive()
                    .isLessThan(DELAY_MAX.toMillis());
            await("memory is given back")
                    .atMost(DELAY_MAX)
                    .until(() -> used() - before, growth -> growth < GROWTH_OCTETS_MAX);
            fetcher.writer.assertNoBreach();
        } finally {
            for (AutoCloseable server : open) {
                server.close();
            }
            vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
    }

    private static boolean isReported(Case one, TestAccount account, FetcherUnderTest fetcher) {
        String state = state(account);
        boolean reported = state.startsWith("backoff") && state.contains(one.says());
        if (reported) {
            fetcher.stop(account);
        }
        return reported;
    }

    private static AccountSettings settings(Case one, ServerAddress address) {
        return switch (one.kind()) {
            case IMAP -> settings(address);
            case JMAP ->
                new AccountSettings.Jmap("alice", URI.create("http://127.0.0.1:" + address.port() + "/session"));
        };
    }

    private static AccountSettings settings(ServerAddress address) {
        return new AccountSettings.Imap("alice", address, Optional.empty());
    }

    private static String state(TestAccount account) {
        return account.read("select state || ' ' || coalesce(last_error, '') from account_sync where account_id = ?");
    }

    private static void mailArrives(
            QuirkyImapServer server, TestAccount account, AtomicBoolean over, AtomicLong slowestMillis) {
        for (int sent = 1; !over.get(); sent++) {
            server.inbox().add("arrival" + sent);
            long began = System.nanoTime();
            String wanted = Integer.toString(sent);
            await().pollInterval(Duration.ofMillis(50))
                    .atMost(REPORT_TIME_MAX)
                    .until(() -> account.read("select count(*) from email where account_id = ?"), wanted::equals);
            slowestMillis.accumulateAndGet((System.nanoTime() - began) / 1_000_000, Math::max);
        }
    }

    private static long used() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
