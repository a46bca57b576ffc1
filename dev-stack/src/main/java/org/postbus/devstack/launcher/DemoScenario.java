package org.postbus.devstack.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
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
import org.postbus.devstack.local.LocalPostbus;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.devstack.rawclient.RawSmtp;
import org.postbus.model.AccountId;
import org.postbus.setup.kafka.KafkaUser;

/**
 * The steps of the demonstration, on an IMAP account and a JMAP account of one mail server: initial sync, arriving mail, a mutation, a
 * change on the server. Each step prints a line per account, {@code ok} or {@code FAIL}. The state of the mail server is read with
 * {@link RawImap}, not with Postbus's own clients.
 */
final class DemoScenario {
    private static final int MESSAGES = 200;
    private static final Instant FIRST_MESSAGE = Instant.parse("2026-01-01T08:00:00Z");
    private static final Duration SYNC_WAIT = Duration.ofMinutes(3);
    /** Without push a change is seen after at most 30 s. */
    private static final Duration CHANGE_WAIT = Duration.ofSeconds(60);
    /** Interval between polls; it limits the precision of the printed times. */
    private static final Duration POLL_INTERVAL = Duration.ofMillis(20);

    private final LocalPostbus postbus;
    private final PostbusApi api;
    private final List<String> failures = new ArrayList<>();

    DemoScenario(LocalPostbus postbus, PostbusApi api) {
        this.postbus = postbus;
        this.api = api;
    }

    private record Account(AccountId id, String protocol, James.User user) {}

    List<String> failures() {
        return List.copyOf(failures);
    }

    /** Records a failure that ended the scenario. */
    void fail(RuntimeException cause) {
        check(false, "%s", cause);
    }

    void run(James.User alice, James.User bob) throws InterruptedException {
        System.out.println("\nInitial sync of existing mail");
        fill(alice, 1);
        fill(bob, 2);
        long begin = System.nanoTime();
        Account imap = new Account(api.addImapAccount(postbus.james(), alice), "IMAP", alice);
        Account jmap = new Account(api.addJmapAccount(postbus.james(), bob), "JMAP", bob);
        for (Account account : List.of(imap, jmap)) {
            initialSync(account, begin);
        }
        System.out.println("\nArriving mail");
        try (ChangeArrivals arrivals = new ChangeArrivals(postbus.kafka().connectionOf(KafkaUser.SUBSCRIBER))) {
            for (Account account : List.of(imap, jmap)) {
                arrival(account, arrivals);
            }
        }
        System.out.println("\nA keyword set through Postbus, read from the server by another IMAP client");
        for (Account account : List.of(imap, jmap)) {
            mutation(account);
        }
        System.out.println("\nA flag set on the server, read through Postbus");
        try (LiveEvents live = api.listen()) {
            for (Account account : List.of(imap, jmap)) {
                serverChange(account, live);
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

    private void initialSync(Account account, long begin) throws InterruptedException {
        String path = "accounts/" + account.id();
        Optional<JsonNode> idle = poll(
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

    /** One message by SMTP and one by APPEND, after whose response the message is in the mailbox. */
    private void arrival(Account account, ChangeArrivals arrivals) throws InterruptedException {
        String subject = "By SMTP " + UUID.randomUUID();
        String address = account.user().address();
        RawSmtp.deliver(postbus.james().ports().smtp(), "carol@example.org", address, message(address, subject));
        long accepted = System.nanoTime();
        checkArrival(
                account, "after the server accepted it by SMTP", accepted, arrivals.awaitCreated(subject, CHANGE_WAIT));
        subject = "By APPEND " + UUID.randomUUID();
        try (RawImap server = login(account.user())) {
            server.append(
                    "INBOX", Set.of(), Instant.now(), message(address, subject).getBytes(StandardCharsets.UTF_8));
        }
        accepted = System.nanoTime();
        checkArrival(account, "after the response to APPEND", accepted, arrivals.awaitCreated(subject, CHANGE_WAIT));
    }

    private void checkArrival(Account account, String since, long accepted, Optional<Long> arrival) {
        check(
                arrival.isPresent(),
                "%s: email.created on postbus.changes %s %s",
                account.protocol(),
                arrival.map(at -> String.format("%.0f ms", Math.max(0, (at - accepted) / 1e6)))
                        .orElse("NOT"),
                since);
    }

    private void mutation(Account account) throws InterruptedException {
        JsonNode email = newestInInbox(account);
        String path = "accounts/" + account.id() + "/emails/" + email.get("id").asText();
        String messageId = messageId(email);
        try (RawImap server = login(account.user())) {
            server.select("INBOX");
            long begin = System.nanoTime();
            String mutation =
                    api.mutate(account.id(), email.get("id").asText(), Map.of("keywords", Map.of("$flagged", true)));
            boolean atOnce = api.get(path).expect(200).at("/keywords/$flagged").asBoolean();
            Optional<Double> seen = poll(
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
                    poll(CHANGE_WAIT, () -> stateOf(account, mutation).filter(name -> name.equals("confirmed")));
            check(
                    state.isPresent(),
                    "%s: the mutation is %s %s",
                    account.protocol(),
                    state.orElseGet(() -> stateOf(account, mutation).orElse("gone")),
                    milliseconds(Optional.of(secondsSince(begin))));
        }
    }

    private void serverChange(Account account, LiveEvents live) throws InterruptedException {
        JsonNode email = newestInInbox(account);
        String id = email.get("id").asText();
        try (RawImap server = login(account.user())) {
            server.select("INBOX");
            long uid = find(server, messageId(email)).orElseThrow().uid();
            long begin = System.nanoTime();
            server.addFlags(List.of(uid), "\\Answered");
            Optional<Double> streamed = poll(
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
            Optional<Double> read = poll(
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

    /** With angle brackets, which RFC 8621 leaves out. */
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
                "Hello.",
                "");
    }

    private void check(boolean good, String format, Object... figures) {
        String line = String.format(format, figures);
        System.out.println((good ? "  ok    " : "  FAIL  ") + line);
        if (!good) {
            failures.add(line);
        }
    }

    /** Polls until there is a value; empty if there is none within {@code limit}. */
    private static <T> Optional<T> poll(Duration limit, Supplier<Optional<T>> query) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        Optional<T> value = query.get();
        while (value.isEmpty() && System.nanoTime() < deadline) {
            TimeUnit.NANOSECONDS.sleep(POLL_INTERVAL.toNanos());
            value = query.get();
        }
        return value;
    }

    private static String milliseconds(Optional<Double> seconds) {
        return seconds.map(s -> String.format("after %.0f ms", s * 1000))
                .orElse("NOT within " + CHANGE_WAIT.toSeconds() + " s");
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }
}
