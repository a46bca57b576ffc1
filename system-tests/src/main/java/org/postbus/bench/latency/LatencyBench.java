package org.postbus.bench.latency;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
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
import org.postbus.bench.measure.Figures;
import org.postbus.bench.measure.MarkedRecords;
import org.postbus.bench.options.Arguments;
import org.postbus.bench.stage.MailServer;
import org.postbus.bench.stage.Stage;
import org.postbus.bench.sync.SyncBench.Protocol;
import org.postbus.bench.sync.SyncBench;
import org.postbus.devstack.corpus.MailCorpus;
import org.postbus.devstack.mailserver.Dovecot;
import org.postbus.devstack.mailserver.James;
import org.postbus.devstack.rawclient.RawImap;
import org.postbus.event.Topics;

/**
 * How long after a message has arrived its {@code email.created} is with a subscriber of {@code postbus.changes}, beside the moment at
 * which a raw connection is told of it that does nothing but IDLE on that mailbox (Dovecot), or listen to the account's event source
 * (James over JMAP). One message at a time, at random intervals, through other people's programs.
 */
public final class LatencyBench implements Runnable {
    private static final Duration AFTER_NOTICE_MAX = Duration.ofMillis(30);

    private static final long SEED = 2026;
    private static final int WARM_UP = 40;
    /** Accounts that have mail before anything is measured, as in a process that has run for a while. */
    private static final int OTHERS = 8;

    private static final Duration OTHERS_INTERVAL = Duration.ofMillis(50);
    private static final Duration INTERVAL_MIN = Duration.ofMillis(50);
    private static final Duration INTERVAL_MAX = Duration.ofMillis(800);
    /** What is not there after this is lost. */
    private static final Duration ARRIVAL_MAX = Duration.ofSeconds(60);

    /** In INBOX before the account is added. */
    private static final int MESSAGES_BEFORE = 3000;

    private static final Duration SYNC_LIMIT = Duration.ofMinutes(5);
    private static final String OTHER_MAILBOX = "Projects";
    private static final String PASSWORD = "bench-password";
    private static final James.User JAMES_USER = James.User.of("alice", PASSWORD);

    private final Options options;
    private final PrintStream out;

    public LatencyBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    /** @param before messages that arrive for others first */
    public record Options(Protocol protocol, int arrivals, int before) {
        private static final Options DEFAULT = new Options(Protocol.IMAP, 300, 2000);
        private static final int ARRIVALS_MAX = 100_000;

        public static Options parse(Deque<String> rest) {
            return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--protocol" ->
                    new Options(Arguments.named(Protocol.class, value), options.arrivals, options.before);
                case "--arrivals" ->
                    new Options(options.protocol, Arguments.number(value, ARRIVALS_MAX), options.before);
                case "--before" ->
                    new Options(options.protocol, options.arrivals, Arguments.number(value, ARRIVALS_MAX));
                default -> throw Arguments.unknown(name);
            });
        }
    }

    /** How a message gets into which mailbox. */
    private enum Way {
        APPEND("APPEND to INBOX", "INBOX"),
        DELIVERY("delivered to INBOX", "INBOX"),
        ELSEWHERE("APPEND to " + OTHER_MAILBOX, OTHER_MAILBOX);

        private final String shown;
        private final String mailbox;

        Way(String shown, String mailbox) {
            this.shown = shown;
            this.mailbox = mailbox;
        }
    }

    /** One message: when it was sent to the server, and who knew of it when. */
    private record Arrival(
            Way way, Instant sent, Instant notice, MarkedRecords.Seen observation, MarkedRecords.Seen change) {
        Duration eventAfterNotice() {
            return Duration.between(notice, change.received());
        }
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

    private void overImap() throws InterruptedException {
        List<Dovecot.User> others = others(name -> Dovecot.User.of(name + "@example.com", PASSWORD));
        try (Stage stage = Stage.start(out);
                MailServer.OfDovecot server = MailServer.OfDovecot.start(others, stage.log("dovecot"));
                RawImap sender = server.logIn()) {
            fillAndSync(stage, server, sender);
            letOthersHaveMail(
                    stage,
                    others.stream()
                            .map(other -> new MailServer.OfDovecot(server.dovecot(), other))
                            .toList());
            try (IdleListener inbox = new IdleListener(server, "INBOX");
                    IdleListener other = new IdleListener(server, OTHER_MAILBOX)) {
                Map<Way, NotificationTimes> notices = new EnumMap<>(Map.of(
                        Way.APPEND, inbox.notices(), Way.DELIVERY, inbox.notices(), Way.ELSEWHERE, other.notices()));
                List<Arrival> arrivals = measure(stage, notices, (way, message) -> {
                    switch (way) {
                        case APPEND, ELSEWHERE -> append(sender, way, message);
                        case DELIVERY -> server.dovecot().deliver(server.account(), message);
                    }
                });
                print(arrivals, notices.keySet(), "Dovecot", "raw IDLE");
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
                letOthersHaveMail(
                        stage,
                        others.stream()
                                .map(other -> new MailServer.OfJames(server.james(), other))
                                .toList());
                try (EventSourceListener account = new EventSourceListener(server)) {
                    Map<Way, NotificationTimes> notices =
                            new EnumMap<>(Map.of(Way.APPEND, account.notices(), Way.ELSEWHERE, account.notices()));
                    List<Arrival> arrivals = measure(stage, notices, (way, message) -> append(sender, way, message));
                    print(arrivals, notices.keySet(), "James over JMAP", "raw event source");
                }
            }
        }
    }

    private void fillAndSync(Stage stage, MailServer server, RawImap sender) {
        sender.create(OTHER_MAILBOX);
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

    private void letOthersHaveMail(Stage stage, List<? extends MailServer> others) {
        others.forEach(other -> stage.awaitIdle(other.add(stage.api(), options.protocol()), SYNC_LIMIT));
        List<RawImap> senders = others.stream().map(MailServer::logIn).toList();
        for (int number = 0; number < options.before(); number++) {
            append(senders.get(number % senders.size()), Way.APPEND, message("other " + number));
            LockSupport.parkNanos(OTHERS_INTERVAL.toNanos());
        }
        senders.forEach(RawImap::close);
    }

    private static void append(RawImap sender, Way way, byte[] message) {
        sender.append(way.mailbox, Set.of(), Instant.now(), message);
    }

    /** @param notices the ways that are measured, with who is told of an arrival first */
    private List<Arrival> measure(Stage stage, Map<Way, NotificationTimes> notices, BiConsumer<Way, byte[]> server)
            throws InterruptedException {
        Random random = new Random(SEED);
        List<Way> ways = new ArrayList<>();
        notices.keySet()
                .forEach(way -> ways.addAll(Collections.nCopies(
                        way == Way.APPEND ? options.arrivals() : Math.ceilDiv(options.arrivals(), 3), way)));
        Collections.shuffle(ways, random);
        List<Arrival> arrivals = new ArrayList<>();
        String bootstrap = stage.postbus().kafka().bootstrap();
        try (MarkedRecords observations = new MarkedRecords(bootstrap, Topics.OBSERVATIONS);
                MarkedRecords changes = new MarkedRecords(bootstrap, Topics.CHANGES)) {
            for (int number = -WARM_UP; number < ways.size(); number++) {
                Way way = number < 0 ? Way.APPEND : ways.get(number);
                notices.get(way).forget();
                String mark = MarkedRecords.mark(number + WARM_UP);
                Instant sent = Instant.now();
                server.accept(way, message(mark));
                Instant notice = notices.get(way).next(ARRIVAL_MAX).orElseThrow(() -> lost(mark, "the raw connection"));
                MarkedRecords.Seen change =
                        changes.await(mark, ARRIVAL_MAX).orElseThrow(() -> lost(mark, Topics.CHANGES));
                MarkedRecords.Seen observation =
                        observations.await(mark, ARRIVAL_MAX).orElseThrow(() -> lost(mark, Topics.OBSERVATIONS));
                if (number >= 0) {
                    arrivals.add(new Arrival(way, sent, notice, observation, change));
                    if (arrivals.size() % 100 == 0) {
                        out.printf("  %d of %d%n", arrivals.size(), ways.size());
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
        return ("From: Somebody <somebody@example.org>\r\nTo: alice@example.com\r\nSubject: " + mark
                        + "\r\nMessage-ID: <"
                        + mark + "@example.org>\r\nMIME-Version: 1.0\r\n"
                        + "Content-Type: text/plain; charset=utf-8\r\n\r\n"
                        + "Some text, as people write it.\r\n".repeat(40))
                .getBytes(StandardCharsets.US_ASCII);
    }

    private void print(List<Arrival> arrivals, Set<Way> ways, String server, String raw) {
        out.println();
        out.printf(
                "From the arrival of a message on %s to its event, after %d messages to %d other accounts; %s.%n%n",
                server, options.before(), OTHERS, Figures.machine());
        out.printf(
                "| arrival | messages | %1$s ms p50 | p99 | event ms p50 | p99 | event after %1$s ms p50 | p99 |%n",
                raw);
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (Way way : ways) {
            List<Arrival> own =
                    arrivals.stream().filter(arrival -> arrival.way() == way).toList();
            Function<Arrival, Duration> notice = arrival -> Duration.between(arrival.sent(), arrival.notice());
            Function<Arrival, Duration> event =
                    arrival -> Duration.between(arrival.sent(), arrival.change().received());
            out.printf(
                    "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |%n",
                    way.shown,
                    own.size(),
                    millis(own, 50, notice),
                    millis(own, 99, notice),
                    millis(own, 50, event),
                    millis(own, 99, event),
                    millis(own, 50, Arrival::eventAfterNotice),
                    millis(own, 99, Arrival::eventAfterNotice));
        }
        out.println();
        for (Way way : ways) {
            double after = millis(
                    arrivals.stream().filter(arrival -> arrival.way() == way).toList(), 50, Arrival::eventAfterNotice);
            out.println(Figures.verdict(
                    "%s: the event is %.1f ms after the %s's notice (p50), target at most %d ms"
                            .formatted(way.shown, after, raw, AFTER_NOTICE_MAX.toMillis()),
                    after <= AFTER_NOTICE_MAX.toMillis()));
            out.println();
        }
        out.println("Where the time goes, p50 in ms:");
        out.println();
        out.printf("| arrival | %s to observation sent (fetcher) | to change sent (writer) | to subscriber |%n", raw);
        out.println("|---|---:|---:|---:|");
        for (Way way : ways) {
            List<Arrival> own =
                    arrivals.stream().filter(arrival -> arrival.way() == way).toList();
            out.printf(
                    "| %s | %.1f | %.1f | %.1f |%n",
                    way.shown,
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.notice(), arrival.observation().sent())),
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.observation().sent(),
                                    arrival.change().sent())),
                    millis(
                            own,
                            50,
                            arrival -> Duration.between(
                                    arrival.change().sent(), arrival.change().received())));
        }
    }

    private static double millis(List<Arrival> arrivals, int percentile, Function<Arrival, Duration> time) {
        return Figures.percentile(
                arrivals.stream()
                        .mapToDouble(arrival -> time.apply(arrival).toNanos() / 1e6)
                        .toArray(),
                percentile);
    }
}
