package org.postbus.devstack.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.postbus.devstack.client.ChangeArrivals;
import org.postbus.devstack.client.LiveEvents;
import org.postbus.devstack.client.PostbusApi;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.kafka.Kafka;
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.process.Secrets;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawSmtp;
import org.postbus.model.AccountId;

/**
 * Shows that mail goes both ways, on real servers, with an IMAP account and a JMAP account of one mail server. What the mail server
 * has is looked up by {@link RawImap}, never by Postbus's own clients.
 */
final class Demo {
    private static final int MESSAGES = 200;
    private static final Instant FIRST_MESSAGE = Instant.parse("2026-01-01T08:00:00Z");
    private static final Duration SYNC_WAIT = Duration.ofMinutes(3);
    /** Without push a change is seen after at most 30 s. */
    private static final Duration CHANGE_WAIT = Duration.ofSeconds(60);
    /** What is looked up by asking is asked for this often; it bounds the precision of the figures printed. */
    private static final Duration ASK_PAUSE = Duration.ofMillis(20);

    private final LocalPostbus postbus;
    private final PostbusApi api;
    private final List<String> failures = new ArrayList<>();

    private Demo(LocalPostbus postbus, PostbusApi api) {
        this.postbus = postbus;
        this.api = api;
    }

    private record Account(AccountId id, String protocol, James.User user) {}

    /** @return whether everything was as it should be; does not return while Postbus stays up */
    static boolean run(Path directory, boolean once) throws InterruptedException {
        Secrets secrets = new Secrets();
        James.User alice = new James.User("alice@" + James.DOMAIN, secrets.fresh());
        James.User bob = new James.User("bob@" + James.DOMAIN, secrets.fresh());
        LocalPostbus postbus = LocalPostbus.prepare(
                LocalPostbus.Settings.passing(directory, List.of(alice, bob)), System.out::println);
        Main.closeAtExit(postbus);
        System.out.println("Starting (logs: " + directory.resolve("logs") + ")");
        try {
            postbus.start();
        } catch (RuntimeException e) {
            System.err.println("postbus: " + e.getMessage());
            return false;
        }
        try (PostbusApi api = new PostbusApi(postbus.api(), postbus.apiKey().text())) {
            Demo demo = new Demo(postbus, api);
            try {
                demo.show(alice, bob);
            } catch (RuntimeException e) {
                demo.check(false, "%s", e);
            }
            System.out.println(
                    demo.failures.isEmpty()
                            ? "\nAll is as it should be."
                            : "\nNOT as it should be: " + demo.failures.size() + " of the above");
            if (once) {
                return demo.failures.isEmpty();
            }
        }
        System.out.println(addresses(postbus, directory));
        System.err.println("postbus: " + postbus.firstDeath().join() + "\npostbus: stopping the rest");
        return false;
    }

    private void show(James.User alice, James.User bob) throws InterruptedException {
        System.out.println("\nMail that was there before");
        fill(alice, 1);
        fill(bob, 2);
        long begin = System.nanoTime();
        Account imap = new Account(api.addImapAccount(postbus.james(), alice), "IMAP", alice);
        Account jmap = new Account(api.addJmapAccount(postbus.james(), bob), "JMAP", bob);
        for (Account account : List.of(imap, jmap)) {
            synced(account, begin);
        }
        System.out.println("\nMail that arrives");
        try (ChangeArrivals arrivals = new ChangeArrivals(postbus.kafka().bootstrap())) {
            for (Account account : List.of(imap, jmap)) {
                arrives(account, arrivals);
            }
        }
        System.out.println("\nA keyword set through Postbus, seen on the server by another IMAP client");
        for (Account account : List.of(imap, jmap)) {
            outward(account);
        }
        System.out.println("\nA flag set on the server, seen through Postbus");
        try (LiveEvents live = api.listen()) {
            for (Account account : List.of(imap, jmap)) {
                inward(account, live);
            }
        }
    }

    private void fill(James.User user, long seed) {
        MailCorpus corpus = new MailCorpus(seed, user.address(), FIRST_MESSAGE);
        try (RawImap server = login(user)) {
            for (int n = 0; n < MESSAGES; n++) {
                MailCorpus.Mail mail = corpus.next();
                server.append(n % 10 == 0 ? "Archive" : "INBOX", mail.flags(), mail.date(), mail.raw());
            }
        }
    }

    private void synced(Account account, long begin) throws InterruptedException {
        String path = "accounts/" + account.id();
        Optional<JsonNode> idle = ask(
                SYNC_WAIT,
                () -> Optional.of(api.get(path).expect(200).get("sync"))
                        .filter(sync -> sync.path("state").asText().equals("idle")));
        double seconds = secondsSince(begin);
        int mailboxes = api.get(path + "/mailboxes").expect(200).get("list").size();
        int messages = api.emails(account.id()).size();
        int onServer = count(account.user());
        check(
                idle.isPresent() && messages == onServer,
                "%s %s: %d of %d messages, %d mailboxes, %.1f s after the account was added; push: %s",
                account.protocol(),
                account.user().address(),
                messages,
                onServer,
                mailboxes,
                seconds,
                idle.map(sync -> sync.path("push").asText())
                        .orElse("not idle: " + api.get(path).body().get("sync")));
    }

    private int count(James.User user) {
        try (RawImap server = login(user)) {
            int count = 0;
            for (RawImap.Listed mailbox : server.list()) {
                count += mailbox.selectable()
                        ? (int) server.select(mailbox.name()).exists()
                        : 0;
            }
            return count;
        }
    }

    /** One by SMTP; one by APPEND, where the server's answer says when it was there. */
    private void arrives(Account account, ChangeArrivals arrivals) throws InterruptedException {
        String subject = "By SMTP " + UUID.randomUUID();
        String address = account.user().address();
        RawSmtp.deliver(postbus.james().ports().smtp(), "carol@example.org", address, message(address, subject));
        long accepted = System.nanoTime();
        arrived(account, "after the server took it by SMTP", accepted, arrivals.awaitCreated(subject, CHANGE_WAIT));
        subject = "By APPEND " + UUID.randomUUID();
        try (RawImap server = login(account.user())) {
            server.append(
                    "INBOX", Set.of(), Instant.now(), message(address, subject).getBytes(StandardCharsets.UTF_8));
        }
        accepted = System.nanoTime();
        arrived(account, "after APPEND was answered", accepted, arrivals.awaitCreated(subject, CHANGE_WAIT));
    }

    private void arrived(Account account, String since, long accepted, Optional<Long> arrival) {
        check(
                arrival.isPresent(),
                "%s: email.created on postbus.changes %s %s",
                account.protocol(),
                arrival.map(at -> String.format("%.0f ms", Math.max(0, (at - accepted) / 1e6)))
                        .orElse("NOT"),
                since);
    }

    private void outward(Account account) throws InterruptedException {
        JsonNode email = newestInInbox(account);
        String path = "accounts/" + account.id() + "/emails/" + email.get("id").asText();
        String messageId = messageId(email);
        try (RawImap server = login(account.user())) {
            server.select("INBOX");
            long begin = System.nanoTime();
            String mutation =
                    api.wish(account.id(), email.get("id").asText(), Map.of("keywords", Map.of("$flagged", true)));
            boolean atOnce = api.get(path).expect(200).at("/keywords/$flagged").asBoolean();
            Optional<Double> seen = ask(
                    CHANGE_WAIT,
                    () -> find(server, messageId)
                            .filter(message -> message.flags().contains("\\Flagged"))
                            .map(message -> secondsSince(begin)));
            check(
                    atOnce && seen.isPresent(),
                    "%s: $flagged %s in the next GET, \\Flagged %s on the server",
                    account.protocol(),
                    atOnce ? "is" : "is NOT",
                    milliseconds(seen));
            Optional<String> state =
                    ask(CHANGE_WAIT, () -> stateOf(account, mutation).filter(name -> name.equals("confirmed")));
            check(
                    state.isPresent(),
                    "%s: the wish is %s %s",
                    account.protocol(),
                    state.orElseGet(() -> stateOf(account, mutation).orElse("gone")),
                    milliseconds(Optional.of(secondsSince(begin))));
        }
    }

    private void inward(Account account, LiveEvents live) throws InterruptedException {
        JsonNode email = newestInInbox(account);
        String id = email.get("id").asText();
        try (RawImap server = login(account.user())) {
            server.select("INBOX");
            long uid = find(server, messageId(email)).orElseThrow().uid();
            long begin = System.nanoTime();
            server.addFlags(List.of(uid), "\\Answered");
            Optional<Double> streamed = ask(
                    CHANGE_WAIT,
                    () -> live.received().stream()
                            .filter(event -> event.type().equals("email.updated"))
                            .filter(event ->
                                    event.data().at("/change/email/id").asText().equals(id))
                            .filter(event -> event.data()
                                    .at("/change/email/keywords/$answered")
                                    .asBoolean())
                            .findFirst()
                            .map(event -> secondsSince(begin)));
            Optional<Double> read = ask(
                    CHANGE_WAIT,
                    () -> Optional.of(api.get("accounts/" + account.id() + "/emails/" + id)
                                    .expect(200))
                            .filter(now -> now.at("/keywords/$answered").asBoolean())
                            .map(now -> secondsSince(begin)));
            check(
                    streamed.isPresent() && read.isPresent(),
                    "%s: on /v1/events %s, in GET %s",
                    account.protocol(),
                    milliseconds(streamed),
                    milliseconds(read));
        }
    }

    private Optional<String> stateOf(Account account, String mutation) {
        for (JsonNode queued :
                api.get("accounts/" + account.id() + "/mutations").expect(200).get("list")) {
            if (queued.get("id").asText().equals(mutation)) {
                return Optional.of(queued.get("state").asText());
            }
        }
        return Optional.empty();
    }

    private JsonNode newestInInbox(Account account) {
        for (JsonNode mailbox :
                api.get("accounts/" + account.id() + "/mailboxes").expect(200).get("list")) {
            if (mailbox.path("role").asText().equals("inbox")) {
                return api.get("accounts/" + account.id() + "/emails?limit=1&mailboxId="
                                + mailbox.get("id").asText())
                        .expect(200)
                        .at("/list/0");
            }
        }
        throw new IllegalStateException("no inbox in " + account.id());
    }

    /** RFC 8621 gives it without its angle brackets. */
    private static String messageId(JsonNode email) {
        return "<" + email.at("/messageId/0").asText() + ">";
    }

    private static Optional<RawImap.Message> find(RawImap server, String messageId) {
        return server.fetchAll().stream()
                .filter(message -> message.messageId().equals(Optional.of(messageId)))
                .findFirst();
    }

    private RawImap login(James.User user) {
        return RawImap.login(
                James.HOST,
                postbus.james().ports().imap(),
                user.address(),
                user.password().reveal());
    }

    private static String message(String to, String subject) {
        return String.join(
                "\r\n",
                "From: Carol <carol@example.org>",
                "To: " + to,
                "Subject: " + subject,
                "Date: " + DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC)),
                "Message-ID: <" + UUID.randomUUID() + "@example.org>",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "",
                "It has arrived.",
                "");
    }

    private void check(boolean good, String format, Object... figures) {
        String line = String.format(format, figures);
        System.out.println((good ? "  ok    " : "  FAIL  ") + line);
        if (!good) {
            failures.add(line);
        }
    }

    /** The first answer, or empty if there is none in time. Another program's state can only be asked for. */
    private static <T> Optional<T> ask(Duration limit, Supplier<Optional<T>> question) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        Optional<T> answer = question.get();
        while (answer.isEmpty() && System.nanoTime() < deadline) {
            TimeUnit.NANOSECONDS.sleep(ASK_PAUSE.toNanos());
            answer = question.get();
        }
        return answer;
    }

    private static String milliseconds(Optional<Double> seconds) {
        return seconds.map(s -> String.format("after %.0f ms", s * 1000))
                .orElse("NOT within " + CHANGE_WAIT.toSeconds() + " s");
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    private static String addresses(LocalPostbus postbus, Path directory) {
        Path runFile = directory.resolve("run.json");
        return """

                Postbus stays up; Ctrl-C ends it.
                  API    %s   (OpenAPI: %s/openapi)
                  Kafka  %s   topic postbus.changes
                  Mail   IMAP %s:%d, SMTP %s:%d, JMAP %s
                  keys, passwords, pids: %s

                Try:
                %s""".formatted(
                        postbus.api(),
                        postbus.api(),
                        postbus.kafka().bootstrap(),
                        James.HOST,
                        postbus.james().ports().imap(),
                        James.HOST,
                        postbus.james().ports().smtp(),
                        postbus.james().sessionUrl(),
                        runFile,
                        curlLines(runFile));
    }

    /** The README prints the same lines. */
    private static String curlLines(Path runFile) {
        return """
                  API=$(sed -n 's/.*"api" : "\\(.*\\)".*/\\1/p' %1$s)/v1
                  AUTH="Authorization: Bearer $(sed -n 's/.*"apiKey" : "\\(.*\\)".*/\\1/p' %1$s)"
                  curl -H "$AUTH" $API/accounts
                  ACCOUNT=$(curl -s -H "$AUTH" $API/accounts | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
                  curl -H "$AUTH" $API/accounts/$ACCOUNT/mailboxes
                  curl -H "$AUTH" "$API/accounts/$ACCOUNT/emails?limit=3"
                  curl -H "$AUTH" -H 'Content-Type: application/json' $API/accounts/$ACCOUNT/submissions \\
                    -d '{"to":[{"email":"bob@example.com"}],"subject":"Hello","text":"Hi Bob"}'
                  curl -N -H "$AUTH" $API/events""".formatted(runFile);
    }
}
