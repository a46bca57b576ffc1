package org.postbus.bench.latency;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.postbus.bench.floor.EventSourceListener;
import org.postbus.bench.floor.IdleListener;
import org.postbus.bench.floor.NotificationTimes;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.topic.Topics;

/**
 * Measures the time from the arrival of a message until its {@code email.created} reaches a subscriber of {@code postbus.changes},
 * beside the notification of a raw connection: IDLE on that mailbox (Dovecot), or the account's event source (James over JMAP). One
 * message at a time, at random intervals, stored by other clients.
 */
public final class LatencyBench implements Runnable {
    private static final long SEED = 2026;
    private static final int WARM_UP = 40;
    /** Accounts that receive mail before the measurement, so that the services are warmed up. */
    private static final int OTHERS = 8;

    private static final Duration OTHERS_INTERVAL = Duration.ofMillis(50);
    private static final Duration INTERVAL_MIN = Duration.ofMillis(50);
    private static final Duration INTERVAL_MAX = Duration.ofMillis(800);
    /** A message that is not seen within this time is reported as lost. */
    private static final Duration ARRIVAL_MAX = Duration.ofSeconds(60);

    /** Messages in INBOX before the account is added. */
    private static final int MESSAGES_BEFORE = 3000;

    private static final Duration SYNC_LIMIT = Duration.ofMinutes(5);
    private static final String PASSWORD = "bench-password";
    private static final James.User JAMES_USER = James.User.of("alice", PASSWORD);

    private final LatencyOptions options;
    private final PrintStream out;

    public LatencyBench(LatencyOptions options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    @Override
    public void run() {
        try {
            switch (options.protocol()) {
                case IMAP -> overImap();
                case JMAP -> overJmap();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private LatencyTable table(String server, String raw) {
        return new LatencyTable(server, raw, options.before(), OTHERS, out);
    }

    private void overImap() throws InterruptedException {
        List<Dovecot.User> others = others(name -> Dovecot.User.of(name + "@example.com", PASSWORD));
        try (Stage stage = Stage.start(out);
                MailServer.OfDovecot server = MailServer.OfDovecot.start(others, stage.log("dovecot"));
                RawImap sender = server.logIn()) {
            fillAndSync(stage, server, sender);
            warmUpWithOthers(
                    stage,
                    others.stream()
                            .map(other -> new MailServer.OfDovecot(server.dovecot(), other))
                            .toList());
            try (IdleListener inbox = new IdleListener(server, "INBOX");
                    IdleListener other = new IdleListener(server, ArrivalPath.OTHER_MAILBOX.mailbox())) {
                Map<ArrivalPath, NotificationTimes> notifications = new EnumMap<>(Map.of(
                        ArrivalPath.APPEND,
                        inbox.notifications(),
                        ArrivalPath.DELIVERY,
                        inbox.notifications(),
                        ArrivalPath.OTHER_MAILBOX,
                        other.notifications()));
                List<Arrival> arrivals = measure(stage, notifications, (path, message) -> {
                    switch (path) {
                        case APPEND, OTHER_MAILBOX -> append(sender, path, message);
                        case DELIVERY -> server.dovecot().deliver(server.account(), message);
                    }
                });
                table("Dovecot", "raw IDLE").print(arrivals, notifications.keySet());
            }
        }
    }

    private void overJmap() throws InterruptedException {
        List<James.User> others = others(name -> James.User.of(name, PASSWORD));
        List<James.User> users = new ArrayList<>(others);
        users.add(JAMES_USER);
        try (Stage stage = Stage.start(users, settings -> settings, out)) {
            MailServer.OfJames server = new MailServer.OfJames(stage.postbus().james(), JAMES_USER);
            try (RawImap sender = server.logIn()) {
                fillAndSync(stage, server, sender);
                warmUpWithOthers(
                        stage,
                        others.stream()
                                .map(other -> new MailServer.OfJames(server.james(), other))
                                .toList());
                try (EventSourceListener account = new EventSourceListener(server)) {
                    Map<ArrivalPath, NotificationTimes> notifications = new EnumMap<>(Map.of(
                            ArrivalPath.APPEND,
                            account.notifications(),
                            ArrivalPath.OTHER_MAILBOX,
                            account.notifications()));
                    List<Arrival> arrivals =
                            measure(stage, notifications, (path, message) -> append(sender, path, message));
                    table("James over JMAP", "raw event source").print(arrivals, notifications.keySet());
                }
            }
        }
    }

    private void fillAndSync(Stage stage, MailServer server, RawImap sender) {
        sender.create(ArrivalPath.OTHER_MAILBOX.mailbox());
        MailCorpus corpus = new MailCorpus(SEED, server.user(), Instant.parse("2020-01-01T00:00:00Z"));
        for (int i = 0; i < MESSAGES_BEFORE; i++) {
            MailCorpus.Mail mail = corpus.next();
            sender.append("INBOX", mail.flags(), mail.date(), mail.raw());
        }
        stage.awaitIdle(server.add(stage.api(), options.protocol()), SYNC_LIMIT);
    }

    private static <T> List<T> others(Function<String, T> user) {
        return IntStream.rangeClosed(1, OTHERS)
                .mapToObj(number -> user.apply("other" + number))
                .toList();
    }

    private void warmUpWithOthers(Stage stage, List<? extends MailServer> others) {
        others.forEach(other -> stage.awaitIdle(other.add(stage.api(), options.protocol()), SYNC_LIMIT));
        List<RawImap> senders = others.stream().map(MailServer::logIn).toList();
        for (int number = 0; number < options.before(); number++) {
            append(senders.get(number % senders.size()), ArrivalPath.APPEND, message("other " + number));
            LockSupport.parkNanos(OTHERS_INTERVAL.toNanos());
        }
        senders.forEach(RawImap::close);
    }

    private static void append(RawImap sender, ArrivalPath path, byte[] message) {
        sender.append(path.mailbox(), Set.of(), Instant.now(), message);
    }

    /** @param notifications the raw connections of the paths that are measured */
    private List<Arrival> measure(
            Stage stage, Map<ArrivalPath, NotificationTimes> notifications, BiConsumer<ArrivalPath, byte[]> server)
            throws InterruptedException {
        Random random = new Random(SEED);
        List<ArrivalPath> paths = new ArrayList<>();
        notifications
                .keySet()
                .forEach(path -> paths.addAll(Collections.nCopies(
                        path == ArrivalPath.APPEND ? options.arrivals() : Math.ceilDiv(options.arrivals(), 3), path)));
        Collections.shuffle(paths, random);
        List<Arrival> arrivals = new ArrayList<>();
        Map<String, Object> kafka = stage.postbus().kafka().connectionOfAdmin();
        try (MarkedRecords observations = new MarkedRecords(kafka, Topics.OBSERVATIONS);
                MarkedRecords changes = new MarkedRecords(kafka, Topics.CHANGES)) {
            for (int number = -WARM_UP; number < paths.size(); number++) {
                ArrivalPath path = number < 0 ? ArrivalPath.APPEND : paths.get(number);
                notifications.get(path).clear();
                String mark = MarkedRecords.mark(number + WARM_UP);
                Instant sent = Instant.now();
                server.accept(path, message(mark));
                Instant notification =
                        notifications.get(path).next(ARRIVAL_MAX).orElseThrow(() -> lost(mark, "the raw connection"));
                MarkedRecords.Seen change =
                        changes.await(mark, ARRIVAL_MAX).orElseThrow(() -> lost(mark, Topics.CHANGES));
                MarkedRecords.Seen observation =
                        observations.await(mark, ARRIVAL_MAX).orElseThrow(() -> lost(mark, Topics.OBSERVATIONS));
                if (number >= 0) {
                    arrivals.add(new Arrival(path, sent, notification, observation, change));
                    if (arrivals.size() % 100 == 0) {
                        out.printf("  %d of %d%n", arrivals.size(), paths.size());
                    }
                }
                LockSupport.parkNanos(INTERVAL_MIN.toNanos()
                        + (long) (random.nextDouble()
                                * INTERVAL_MAX.minus(INTERVAL_MIN).toNanos()));
            }
        }
        return arrivals;
    }

    private static IllegalStateException lost(String mark, String where) {
        return new IllegalStateException(
                mark + " was not seen by " + where + " within " + ARRIVAL_MAX.toSeconds() + " s");
    }

    private static byte[] message(String mark) {
        return ("From: Sender <sender@example.org>\r\nTo: alice@example.com\r\nSubject: " + mark
                        + "\r\nMessage-ID: <"
                        + mark + "@example.org>\r\nMIME-Version: 1.0\r\n"
                        + "Content-Type: text/plain; charset=utf-8\r\n\r\n"
                        + "A line of text as in any mail.\r\n".repeat(40))
                .getBytes(StandardCharsets.US_ASCII);
    }
}
