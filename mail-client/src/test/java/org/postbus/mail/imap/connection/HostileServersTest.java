package org.postbus.mail.imap.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.postbus.account.Credential;
import org.postbus.account.Secret;
import org.postbus.account.TlsMode;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.egress.TestEgress;
import org.postbus.mail.imap.fake.HostileImapServer;
import org.postbus.mail.imap.fake.HostileImapServer.Behaviour;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Resync;
import org.postbus.mail.imap.grammar.Section;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.UidRange;

/**
 * Hostile servers. The tests of this module run in a heap of 192 MB. Every call ends in time with a failure that names
 * the reason, or with a harmless answer; a well-behaved connection on the same event loop is served meanwhile; and
 * memory returns to its level before.
 */
class HostileServersTest {
    private static final Duration SILENCE_MAX = Duration.ofMillis(1500);
    private static final Duration CALL_MAX = Duration.ofSeconds(25);
    /** The time between two answers on the well-behaved connection. */
    private static final long DELAY_MILLIS_MAX = 5000;

    /** Two chunks of Netty's pool, which it keeps, and what tests need. */
    private static final long GROWTH_OCTETS_MAX = 24 << 20;

    private static final Duration GIVEN_BACK_MAX = Duration.ofSeconds(10);
    private static final Credential PASSWORD = new Credential.Password(new Secret("secret"));
    private static final List<UidRange> ALL = List.of(new UidRange(1, UidSet.UID_MAX));
    private static final FetchItems HEADER = FetchItems.of(FetchItems.FLAGS, FetchItems.HEADER);

    private static Vertx vertx;
    private static ImapClient client;
    private static HostileImapServer kindServer;
    private static ImapConnection neighbour;
    private static final AtomicBoolean over = new AtomicBoolean();
    private static final AtomicLong longestMillis = new AtomicLong();
    private static Thread asking;

    @BeforeAll
    static void start() {
        // One event loop for all connections, so that one connection affects the others.
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        client = new ImapClient(
                TestEgress.toThisMachine(vertx),
                ImapOptions.DEFAULT
                        .withSilenceMax(SILENCE_MAX)
                        .withConnectTimeout(Duration.ofSeconds(2))
                        .withLoginTimeout(Duration.ofSeconds(5))
                        .withCompression(ImapOptions.Compression.ALWAYS));
        kindServer = HostileImapServer.that(victim -> {
            victim.say("* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n");
            while (true) {
                String command = victim.hear();
                victim.say(command.substring(0, command.indexOf(' ')) + " OK done\r\n");
            }
        });
        neighbour = await(client.open(kindServer.address(TlsMode.NONE), "bob", PASSWORD));
        asking = Thread.ofVirtual().start(() -> {
            while (!over.get()) {
                long began = System.nanoTime();
                await(neighbour.noop());
                longestMillis.accumulateAndGet((System.nanoTime() - began) / 1_000_000, Math::max);
            }
        });
    }

    @AfterAll
    static void stop() throws InterruptedException {
        over.set(true);
        asking.join();
        neighbour.close();
        kindServer.close();
        await(client.close());
        await(Uni.createFrom().completionStage(vertx.close().toCompletionStage()));
    }

    private static <T> T await(Uni<T> uni) {
        return uni.await().atMost(CALL_MAX);
    }

    private enum End {
        UNREACHABLE,
        LIMIT_EXCEEDED,
        THROTTLED,
        REJECTED,
        AUTH_REJECTED,
        ANSWER
    }

    /** @param says part of the failure's text */
    private record Case(
            String name, TlsMode tls, Behaviour server, Function<ImapConnection, Uni<?>> call, End end, String says) {}

    private final List<Case> cases = new ArrayList<>();

    private void fails(String name, String says, Function<ImapConnection, Uni<?>> call, Behaviour server) {
        cases.add(new Case(name, TlsMode.NONE, server, call, End.UNREACHABLE, says));
    }

    private void exceeds(String name, String says, Function<ImapConnection, Uni<?>> call, Behaviour server) {
        cases.add(new Case(name, TlsMode.NONE, server, call, End.LIMIT_EXCEEDED, says));
    }

    private void endsWith(End end, String name, String says, Function<ImapConnection, Uni<?>> call, Behaviour server) {
        cases.add(new Case(name, TlsMode.NONE, server, call, end, says));
    }

    private static Behaviour greeted(Behaviour then) {
        return victim -> {
            victim.say(
                    "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC IDLE NOTIFY COMPRESS=DEFLATE ESEARCH] hello\r\n");
            victim.hear();
            victim.say("* ENABLED QRESYNC\r\nA1 OK done\r\n");
            then.to(victim);
        };
    }

    /** After the first command. */
    private static Behaviour asked(Behaviour then) {
        return greeted(victim -> {
            victim.hear();
            then.to(victim);
        });
    }

    /** With the inbox selected as A2, after the next command. */
    private static Behaviour selected(Behaviour then) {
        return greeted(victim -> {
            victim.hear();
            victim.say("* 10 EXISTS\r\n* OK [UIDVALIDITY 5] ok\r\n* OK [HIGHESTMODSEQ 9] ok\r\nA2 OK done\r\n");
            victim.hear();
            then.to(victim);
        });
    }

    private static Uni<?> none(ImapConnection connection) {
        return Uni.createFrom().voidItem();
    }

    private static Function<ImapConnection, Uni<?>> inInbox(Function<ImapConnection, Uni<?>> call) {
        return connection -> connection.select(MailboxName.INBOX, false).chain(selected -> call.apply(connection));
    }

    private static Uni<?> fetch(ImapConnection connection) {
        return connection.uidFetch(ALL, HEADER).onItem().ignoreAsUni();
    }

    private static Uni<?> start(ImapConnection connection) {
        return connection
                .uidFetch(ALL, FetchItems.of(FetchItems.FLAGS, FetchItems.bodyStart(65_536)))
                .onItem()
                .ignoreAsUni();
    }

    private static Uni<?> section(ImapConnection connection) {
        return connection.uidFetchSection(1, Section.message()).onItem().ignoreAsUni();
    }

    private void collectCases() {
        long endless = Long.MAX_VALUE;
        // ---- before the login
        exceeds(
                "never-ending greeting",
                "octets",
                HostileServersTest::none,
                victim -> victim.say("* OK ").repeat("hello ", endless));
        fails(
                "greeting that is another protocol's",
                "not IMAP",
                HostileServersTest::none,
                victim -> victim.say("220 mail.example.com ESMTP\r\n"));
        fails("no greeting", "silent", HostileServersTest::none, victim -> {});
        fails("greeting that drips", "octets in", HostileServersTest::none, victim -> victim.drip("* OK ", 100));
        exceeds("NULs for a greeting", "no response", HostileServersTest::none, victim -> victim.repeat("\0", endless));
        exceeds(
                "empty lines for a greeting",
                "no response",
                HostileServersTest::none,
                victim -> victim.repeat("\r\n", endless));
        exceeds(
                "binary noise",
                "octets",
                HostileServersTest::none,
                victim -> victim.repeat("\u0001\u00ff\u0016\u0003", endless));
        fails(
                "TLS records on a port without TLS",
                "speaks TLS",
                HostileServersTest::none,
                victim -> victim.repeat("\u0016\u0003\u0001\u00ff", endless));
        fails("BYE at once", "BYE", HostileServersTest::none, victim -> victim.say("* BYE go away\r\n"));
        fails("reset at once", "onnect", HostileServersTest::none, HostileImapServer.Victim::reset);
        exceeds("capability flood", "octets", HostileServersTest::none, victim -> {
            victim.say("* OK hello\r\n");
            victim.hear();
            victim.say("* CAPABILITY").repeat(" X-NEW", endless);
        });
        exceeds("capabilities again and again", "responses to one command", HostileServersTest::none, victim -> {
            victim.say("* OK hello\r\n");
            victim.hear();
            victim.repeat("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", endless);
        });
        fails("endless challenges", "end", HostileServersTest::none, victim -> {
            victim.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n");
            while (true) {
                victim.hear();
                victim.say("+ \r\n");
            }
        });
        fails("SCRAM of two thousand million iterations", "iterations", HostileServersTest::none, victim -> {
            victim.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hello\r\n");
            String first = victim.hear();
            String sent = decoded(first.substring(first.lastIndexOf(' ') + 1));
            String nonce = sent.substring(sent.indexOf("r=") + 2);
            victim.say("+ " + encoded("r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=2000000000") + "\r\n");
            victim.hear();
            victim.say("A1 BAD cancelled\r\n");
        });
        fails("login that never ends", "the login was not done", HostileServersTest::none, victim -> {
            victim.say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
            while (true) {
                Thread.sleep(500);
                victim.say("* OK still thinking about it\r\n");
            }
        });
        cases.add(new Case(
                "octets behind the OK to STARTTLS",
                TlsMode.STARTTLS,
                victim -> {
                    victim.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n");
                    victim.hear();
                    victim.say("A1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] injected\r\n");
                },
                HostileServersTest::none,
                End.UNREACHABLE,
                "plain text after STARTTLS"));
        cases.add(new Case(
                "TLS handshake that never begins",
                TlsMode.TLS,
                victim -> {},
                HostileServersTest::none,
                End.UNREACHABLE,
                "connect"));
        // ---- lines and literals
        exceeds(
                "endless line",
                "octets",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.say("* OK ").repeat("x", endless)));
        exceeds(
                "literal of 4 GB",
                "a literal of more than",
                ImapConnection::list,
                asked(victim -> victim.say("* LIST () \"/\" {4294967295}\r\n")));
        exceeds(
                "literal of a number without end",
                "a literal of more than",
                ImapConnection::list,
                asked(victim -> victim.say("* LIST () \"/\" {" + "9".repeat(500) + "}\r\n")));
        endsWith(End.ANSWER, "negative literal", "", ImapConnection::list, asked(victim -> {
            victim.say("* LIST () \"/\" {-5}\r\nA2 OK done\r\n");
            victim.refuseEverything();
        }));
        fails(
                "literal that never comes",
                "octets in",
                ImapConnection::list,
                asked(victim -> victim.say("* LIST () \"/\" {1000}\r\nabc")));
        fails(
                "literal that drips",
                "octets in",
                inInbox(HostileServersTest::section),
                selected(victim ->
                        victim.say("* 1 FETCH (UID 1 BODY[] {100000}\r\n").drip("x", 50)));
        exceeds(
                "fetched literal beyond the limit",
                "a literal of more than",
                inInbox(HostileServersTest::fetch),
                selected(victim -> victim.say("* 1 FETCH (UID 1 BODY[HEADER] {2147483647}\r\n")
                        .repeat("x", endless)));
        exceeds(
                "streamed literal beyond the limit",
                "a literal of more than",
                inInbox(HostileServersTest::section),
                selected(victim ->
                        victim.say("* 1 FETCH (UID 1 BODY[] {2147483647}\r\n").repeat("x", endless)));
        exceeds(
                "several large literals in one response",
                "a literal of more than",
                inInbox(HostileServersTest::fetch),
                selected(victim -> {
                    victim.say("* 1 FETCH (UID 1");
                    while (true) {
                        victim.say(" BODY[HEADER] {30000000}\r\n").repeat("x", 30_000_000);
                    }
                }));
        exceeds(
                "a hundred thousand empty literals",
                "literals in a response",
                inInbox(HostileServersTest::fetch),
                selected(victim -> victim.say("* 1 FETCH (UID 1").repeat(" X {0}\r\n", endless)));
        exceeds(
                "literal of more than what was asked for",
                "more than was asked for",
                inInbox(connection -> start(connection)),
                selected(victim -> victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> {32505856}\r\n")
                        .repeat("x", 32_505_856)));
        exceeds(
                "quoted string of more than what was asked for",
                "where 65536 were asked for",
                inInbox(connection -> start(connection)),
                selected(victim -> {
                    victim.say("* 1 FETCH (UID 1 FLAGS () BODY[]<0> \"");
                    victim.repeat("x", 65_537);
                    victim.say("\")\r\n");
                }));
        exceeds(
                "quoted string of another message of more than what was asked for",
                "where 65536 were asked for",
                inInbox(connection -> connection
                        .uidFetch(
                                List.of(new UidRange(1, 10)),
                                FetchItems.of(FetchItems.FLAGS, FetchItems.bodyStart(65_536)))
                        .onItem()
                        .ignoreAsUni()),
                selected(victim -> {
                    victim.say("* 11 FETCH (UID 11 FLAGS () BODY[]<0> \"");
                    victim.repeat("x", 65_537);
                    victim.say("\")\r\n");
                }));
        exceeds(
                "literals that together are more than what was asked for",
                "asked for in a response",
                inInbox(connection -> start(connection)),
                selected(victim -> {
                    victim.say("* 1 FETCH (UID 1");
                    while (true) {
                        victim.say(" BODY[]<0> {65536}\r\n").repeat("x", 65_536);
                    }
                }));
        exceeds(
                "streamed literal of more than what was asked for",
                "more than was asked for",
                inInbox(connection -> connection
                        .uidFetchSection(1, Section.message().first(1000))
                        .onItem()
                        .ignoreAsUni()),
                selected(victim ->
                        victim.say("* 1 FETCH (UID 1 BODY[]<0> {1001}\r\n").repeat("x", endless)));
        exceeds(
                "literal for a flag",
                "a literal of more than",
                inInbox(connection -> start(connection)),
                selected(victim ->
                        victim.say("* 1 FETCH (UID 1 FLAGS ({65536}\r\n").repeat("x", endless)));
        exceeds("more mailboxes than an account may have", "mailboxes", ImapConnection::list, asked(victim -> {
            for (long i = 0; i <= 10_000; i++) {
                victim.say("* LIST () \"/\" \"mailbox " + i + "\"\r\n");
            }
            victim.say("A2 OK done\r\n");
            victim.refuseEverything();
        }));
        // ---- too many
        exceeds(
                "a million untagged responses",
                "responses to one command",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.repeat("* OK nothing new\r\n", endless)));
        exceeds(
                "a million changes of EXISTS",
                "responses to one command",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.repeat("* 1 EXISTS\r\n* 2 EXISTS\r\n", endless)));
        exceeds(
                "unsolicited continuations",
                "responses to one command",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.repeat("+ go on\r\n", endless)));
        exceeds("endless LIST", "", ImapConnection::list, asked(victim -> {
            for (long i = 0; true; i++) {
                victim.say("* LIST () \"/\" \"mailbox " + i + "\"\r\n");
            }
        }));
        exceeds(
                "endless LIST of long names",
                "an answer of more than",
                ImapConnection::list,
                asked(victim -> victim.repeat("* LIST () \"/\" \"" + "n".repeat(3900) + "\"\r\n", endless)));
        exceeds(
                "the same message for ever",
                "messages in answer",
                inInbox(HostileServersTest::fetch),
                selected(victim -> victim.repeat("* 1 FETCH (UID 1 FLAGS () BODY[HEADER] {0}\r\n)\r\n", endless)));
        exceeds(
                "SEARCH result without end",
                "octets",
                inInbox(ImapConnection::uidSearchAll),
                selected(victim -> victim.say("* SEARCH").repeat(" 1", endless)));
        exceeds(
                "SEARCH results again and again",
                "an answer of more than",
                inInbox(ImapConnection::uidSearchAll),
                selected(victim -> victim.repeat("* SEARCH" + " 1 3 5 7 9".repeat(5000) + "\r\n", endless)));
        exceeds(
                "flags of every message, unasked",
                "responses to one command",
                inInbox(ImapConnection::noop),
                selected(victim ->
                        victim.repeat("* 1 FETCH (UID 1 FLAGS (" + "a".repeat(200) + " b c d e f g h))\r\n", endless)));
        exceeds(
                "VANISHED ranges without end",
                "responses to one command",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.repeat("* VANISHED " + "1,3,5,7,".repeat(20) + "9\r\n", endless)));
        exceeds(
                "resynchronisation without end",
                "messages in answer",
                connection -> connection
                        .resync(MailboxName.INBOX, false, new Resync(5, 1, List.of()))
                        .onItem()
                        .ignoreAsUni(),
                asked(victim -> victim.say("* 10 EXISTS\r\n").repeat("* 1 FETCH (UID 1 FLAGS ())\r\n", endless)));
        exceeds(
                "notifications without end",
                "responses to one command",
                connection -> connection.notifyPersonal().chain(() -> connection.noop()),
                asked(victim -> {
                    victim.say("A2 OK done\r\n");
                    for (long i = 0; true; i++) {
                        victim.say("* STATUS \"mailbox " + i + "\" (MESSAGES 1)\r\n");
                    }
                }));
        // ---- malformed
        fails(
                "answer with another tag",
                "not sent",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.say("A99 OK done\r\n")));
        fails(
                "an answer too many",
                "not sent",
                connection -> connection.noop().chain(connection::noop),
                asked(victim -> victim.say("A2 OK done\r\nA2 OK done\r\n")));
        endsWith(End.ANSWER, "nesting of half a million", "", inInbox(HostileServersTest::fetch), selected(victim -> {
            victim.say("* 1 FETCH (UID 1 BODYSTRUCTURE ");
            victim.repeat("(", 500_000);
            victim.repeat(")", 500_000);
            victim.say(")\r\nA3 OK done\r\n");
        }));
        endsWith(End.ANSWER, "nesting without an end", "", inInbox(HostileServersTest::fetch), selected(victim -> {
            victim.say("* 1 FETCH (UID 1 BODYSTRUCTURE ");
            victim.repeat("(", 900_000);
            victim.say("\r\nA3 OK done\r\n");
        }));
        endsWith(
                End.ANSWER,
                "flags that collide in every hash table",
                "",
                inInbox(HostileServersTest::fetch),
                selected(victim -> {
                    StringBuilder flags = new StringBuilder();
                    for (int i = 0; i < 60_000; i++) {
                        flags.append(' ');
                        for (int bit = 0; bit < 16; bit++) {
                            flags.append((i >> bit & 1) == 0 ? "Aa" : "BB");
                        }
                    }
                    flags.setLength(1_000_000);
                    victim.say("* 1 FETCH (UID 1 FLAGS (" + flags.toString().strip() + "))\r\nA3 OK done\r\n");
                }));
        endsWith(End.ANSWER, "names like paths and commands", "", ImapConnection::list, asked(victim -> {
            victim.say("* LIST () \"/\" \"../../../../etc/passwd\"\r\n* LIST () \"/\" \"/\"\r\n"
                    + "* LIST () \"/\" \"C:\\\\con\"\r\n* LIST () \"/\" {9}\r\na\r\nA9 BYE\r\n"
                    + "* LIST () \"/\" \"a\0b\"\r\n* LIST () \"\u0000\" \"<script>\"\r\nA2 OK done\r\n");
            victim.refuseEverything();
        }));
        endsWith(End.ANSWER, "every kind of broken response", "", inInbox(ImapConnection::noop), selected(victim -> {
            for (String line : List.of(
                    "*",
                    "* ",
                    "* 1",
                    "* 99999999999999999999 EXISTS",
                    "* -1 EXISTS",
                    "* FETCH",
                    "* 1 FETCH",
                    "* 1 FETCH (",
                    "* 1 FETCH )",
                    "* 1 FETCH (UID",
                    "* LIST",
                    "* STATUS",
                    "* OK [",
                    "* OK []",
                    "* OK [UIDNEXT",
                    "* ESEARCH (",
                    "* VANISHED",
                    "* VANISHED (EARLIER",
                    "* ID (",
                    "* NAMESPACE ((",
                    "+",
                    "x",
                    "A3",
                    "A3 ",
                    "* \u00ff\u00fe",
                    "* CAPABILITY",
                    "* ENABLED",
                    "* FLAGS",
                    "* 0 FETCH (UID 0)",
                    "* SEARCH \u0001")) {
                victim.say(line + "\r\n");
            }
            victim.say("A3 OK done\r\n");
        }));
        endsWith(End.REJECTED, "text of a megabyte", "NO", inInbox(ImapConnection::noop), selected(victim -> {
            victim.say("A3 NO ");
            victim.repeat("too many too many maximum ", 38_000);
            victim.say("\r\n");
        }));
        endsWith(
                End.REJECTED,
                "content of another message",
                "NONEXISTENT",
                inInbox(HostileServersTest::section),
                selected(victim -> victim.say("* 1 FETCH (UID 2 BODY[] \"another message\")\r\nA3 OK done\r\n")));
        fails(
                "content twice",
                "content twice",
                inInbox(HostileServersTest::section),
                selected(victim -> victim.repeat("* 1 FETCH (UID 1 BODY[] {1}\r\nx)\r\n", endless)));
        // ---- silence
        fails("an answer that never comes", "silent", inInbox(ImapConnection::noop), selected(victim -> {}));
        fails(
                "an answer that drips",
                "octets in",
                inInbox(ImapConnection::noop),
                selected(victim -> victim.drip("* OK slowly does it, ", 100)));
        fails(
                "IDLE that is not ended",
                "silent",
                inInbox(connection -> connection.watch(Duration.ofMillis(200))),
                selected(victim -> victim.say("+ idling\r\n")));
        fails(
                "reset in the middle of a message",
                "",
                inInbox(HostileServersTest::section),
                selected(victim ->
                        victim.say("* 1 FETCH (UID 1 BODY[] {100000}\r\nabc").reset()));
        // ---- compressed
        exceeds(
                "compression bomb",
                "compressed octets became",
                inInbox(HostileServersTest::section),
                bomb("* 1 FETCH (UID 1 BODY[] {500000000}\r\n"));
        exceeds(
                "compressed endless line",
                "a response of more than",
                inInbox(HostileServersTest::section),
                bomb("* OK "));
    }

    private static Behaviour bomb(String beginning) {
        return victim -> {
            victim.say("* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n");
            victim.hear();
            victim.say("A1 OK active\r\n");
            OutputStream out = new DeflaterOutputStream(victim.out(), new Deflater(9, true), 8192, true);
            out.write("* 1 EXISTS\r\nA2 OK done\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            out.write(beginning.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            byte[] zeros = new byte[1 << 20];
            java.util.Arrays.fill(zeros, (byte) 'x');
            for (int i = 0; i < 400; i++) {
                out.write(zeros);
                out.flush();
            }
        };
    }

    private static String decoded(String base64) {
        return new String(java.util.Base64.getDecoder().decode(base64), java.nio.charset.StandardCharsets.US_ASCII);
    }

    private static String encoded(String text) {
        return java.util.Base64.getEncoder().encodeToString(text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    @TestFactory
    Stream<DynamicTest> hostile_server_is_survived() {
        collectCases();
        assertThat(cases).hasSizeGreaterThanOrEqualTo(30);
        return cases.stream().map(one -> DynamicTest.dynamicTest(one.name(), () -> survive(one)));
    }

    private static void survive(Case one) {
        longestMillis.set(0);
        long before = used();
        long began = System.nanoTime();

        Throwable error;
        try (HostileImapServer server = HostileImapServer.that(one.server())) {
            boolean bulk = one.name().contains("compress");
            error = catchThrowable(() -> {
                ImapConnection connection = await(client.open(server.address(one.tls()), "alice", PASSWORD));
                try {
                    if (bulk) {
                        await(connection.compress());
                    }
                    await(one.call().apply(connection));
                } finally {
                    connection.close();
                }
            });
        }

        assertThat(error instanceof TimeoutException).as("endless").isFalse();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(CALL_MAX);
        switch (one.end()) {
            case ANSWER -> assertThat(error).isNull();
            case UNREACHABLE -> assertFailure(error, ServerFailure.Unreachable.class, one.says());
            case LIMIT_EXCEEDED -> assertFailure(error, ServerFailure.LimitExceeded.class, one.says());
            case THROTTLED -> assertFailure(error, ServerFailure.Throttled.class, one.says());
            case REJECTED -> assertFailure(error, ServerFailure.Rejected.class, one.says());
            case AUTH_REJECTED -> assertFailure(error, ServerFailure.AuthRejected.class, one.says());
        }
        assertThat(longestMillis.get()).as("what the neighbour waited").isLessThan(DELAY_MILLIS_MAX);
        // The last buffers are released on the event loop, after the failure has been delivered.
        long deadline = System.nanoTime() + GIVEN_BACK_MAX.toNanos();
        while (used() - before >= GROWTH_OCTETS_MAX && System.nanoTime() < deadline) {
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
        assertThat(used() - before).as("heap that is not given back").isLessThan(GROWTH_OCTETS_MAX);
    }

    private static void assertFailure(Throwable error, Class<? extends ServerFailure> kind, String says) {
        assertThat(error).isInstanceOf(ServerException.class);
        ServerFailure failure = ((ServerException) error).failure();
        assertThat(failure).isInstanceOf(kind);
        String all = failure instanceof ServerFailure.Rejected rejected
                ? rejected.code() + " " + rejected.text()
                : failure.text();
        assertThat(all).contains(says).hasSizeLessThan(400);
    }

    private static long used() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
