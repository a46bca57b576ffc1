package org.postbus.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
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

/**
 * Accounts on hostile servers, all at once in one fetcher, in a heap of 192 MB: each gets an error that says what happened, and
 * an account on a good server is synced meanwhile as if they did not exist.
 */
@Isolated
class HostileAccountsTest {
    private static final long ENDLESS = Long.MAX_VALUE;
    private static final Duration DELAY_MAX = Duration.ofSeconds(5);
    private static final Duration REPORT_TIME_MAX = Duration.ofSeconds(30);
    /** Two chunks of Netty's pool, which it keeps, and what tests need. */
    private static final long GROWTH_OCTETS_MAX = 40 << 20;

    /** @param says part of the error that the API shows */
    private record Case(String name, TlsMode tls, Behaviour server, String says) {}

    private final List<Case> cases = new ArrayList<>();

    private void fails(String name, String says, Behaviour server) {
        cases.add(new Case(name, TlsMode.NONE, server, says));
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
                TlsMode.STARTTLS,
                victim -> {
                    victim.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n");
                    victim.hear();
                    victim.say("A1 OK begin\r\n* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] injected\r\n");
                },
                "plain text after STARTTLS"));
        cases.add(new Case("TLS handshake that never begins", TlsMode.TLS, victim -> {}, "connect"));
        cases.add(new Case(
                "STARTTLS that is not offered",
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
                "responses to one command",
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
        assertThat(cases).hasSizeGreaterThanOrEqualTo(30);
        List<AutoCloseable> open = new ArrayList<>();
        try (QuirkyImapServer good =
                        new QuirkyImapServer("CONDSTORE", "ENABLE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT");
                FetcherUnderTest fetcher = new FetcherUnderTest(
                        DevStack.postgres().freshDatabase(),
                        Duration.ofMillis(500),
                        new HostBudget(20, 50, 1000),
                        ImapOptions.DEFAULT
                                .withSilenceMax(Duration.ofMillis(1500))
                                .withConnectTimeout(Duration.ofSeconds(2))
                                .withLoginTimeout(Duration.ofSeconds(5)))) {
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
                accounts.put(one, fetcher.account(settings(server.address(one.tls())), "secret"));
            }
            accounts.values().forEach(fetcher::start);
            await().atMost(REPORT_TIME_MAX).untilAsserted(() -> {
                accounts.entrySet().removeIf(one -> isReported(one.getKey(), one.getValue(), fetcher));
                assertThat(accounts.entrySet().stream().map(one -> one.getKey().name() + ": " + state(one.getValue())))
                        .isEmpty();
            });

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
