package org.postbus.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.postbus.devstack.MailCorpus;
import org.postbus.devstack.RawImap;
import org.postbus.event.Topics;
import org.postbus.model.AccountId;

/**
 * How long after a message has arrived on Dovecot its {@code email.created} is with a subscriber of {@code postbus.changes}, beside
 * the moment at which a raw connection that does nothing but IDLE on that mailbox is told of it. One message at a time, at random
 * intervals, through other people's programs.
 */
final class LatencyBench implements Runnable {
    private static final Duration AFTER_NOTICE_MAX = Duration.ofMillis(30);

    private static final long SEED = 2026;
    private static final int WARM_UP = 40;
    private static final Duration INTERVAL_MIN = Duration.ofMillis(50);
    private static final Duration INTERVAL_MAX = Duration.ofMillis(800);
    /** What is not there after this is lost. */
    private static final Duration ARRIVAL_MAX = Duration.ofSeconds(60);

    /** In INBOX before the account is added: processes that have run for a while are measured, not their start. */
    private static final int MESSAGES_BEFORE = 3000;

    private static final Duration SYNC_LIMIT = Duration.ofMinutes(5);
    private static final String OTHER_MAILBOX = "Archive";

    private final Options options;
    private final PrintStream out;

    LatencyBench(Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    record Options(int arrivals) {
        private static final Options DEFAULT = new Options(300);
        private static final int ARRIVALS_MAX = 100_000;

        static Options parse(Deque<String> rest) {
            return Arguments.parse(DEFAULT, rest, (options, name, value) -> switch (name) {
                case "--arrivals" -> new Options(Arguments.number(value, ARRIVALS_MAX));
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
        try (Stage stage = Stage.start(out);
                MailServer.OfDovecot server = MailServer.OfDovecot.start(stage.log("dovecot"));
                RawImap sender = server.logIn()) {
            sender.create(OTHER_MAILBOX);
            MailCorpus corpus = new MailCorpus(SEED, server.user(), Instant.parse("2020-01-01T00:00:00Z"));
            for (int i = 0; i < MESSAGES_BEFORE; i++) {
                MailCorpus.Mail mail = corpus.next();
                sender.append("INBOX", mail.flags(), mail.date(), mail.raw());
            }
            AccountId account = server.add(stage.api(), SyncBench.Protocol.IMAP);
            stage.awaitIdle(account, SYNC_LIMIT);
            measure(server, sender, stage.postbus().kafka().bootstrap());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private void measure(MailServer.OfDovecot server, RawImap sender, String bootstrap) throws InterruptedException {
        Random random = new Random(SEED);
        List<Way> ways = new ArrayList<>(Collections.nCopies(options.arrivals(), Way.APPEND));
        ways.addAll(Collections.nCopies(Math.ceilDiv(options.arrivals(), 3), Way.DELIVERY));
        ways.addAll(Collections.nCopies(Math.ceilDiv(options.arrivals(), 3), Way.ELSEWHERE));
        Collections.shuffle(ways, random);
        List<Arrival> arrivals = new ArrayList<>();
        try (MarkedRecords observations = new MarkedRecords(bootstrap, Topics.OBSERVATIONS);
                MarkedRecords changes = new MarkedRecords(bootstrap, Topics.CHANGES);
                IdleListener inbox = new IdleListener(server, "INBOX");
                IdleListener other = new IdleListener(server, OTHER_MAILBOX)) {
            for (int number = -WARM_UP; number < ways.size(); number++) {
                Way way = number < 0 ? Way.APPEND : ways.get(number);
                IdleListener listener =
                        switch (way) {
                            case APPEND, DELIVERY -> inbox;
                            case ELSEWHERE -> other;
                        };
                listener.forget();
                String mark = MarkedRecords.mark(number + WARM_UP);
                Instant sent = Instant.now();
                send(way, server, sender, mark);
                Instant notice = listener.next(ARRIVAL_MAX).orElseThrow(() -> lost(mark, "the raw connection"));
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
        print(arrivals);
    }

    private static IllegalStateException lost(String mark, String where) {
        return new IllegalStateException(
                mark + " was not seen by " + where + " within " + ARRIVAL_MAX.toSeconds() + " s");
    }

    private static void send(Way way, MailServer.OfDovecot server, RawImap sender, String mark) {
        byte[] message = ("From: Somebody <somebody@example.org>\r\nTo: " + server.user() + "\r\nSubject: " + mark
                        + "\r\nMessage-ID: <" + mark + "@example.org>\r\nMIME-Version: 1.0\r\n"
                        + "Content-Type: text/plain; charset=utf-8\r\n\r\n"
                        + "Some text, as people write it.\r\n".repeat(40))
                .getBytes(StandardCharsets.US_ASCII);
        switch (way) {
            case APPEND, ELSEWHERE -> sender.append(way.mailbox, Set.of(), Instant.now(), message);
            case DELIVERY -> server.dovecot().deliver(server.account(), message);
        }
    }

    private void print(List<Arrival> arrivals) {
        out.println();
        out.printf("From the arrival of a message on Dovecot to its event; %s.%n%n", Figures.machine());
        out.println(
                "| arrival | messages | raw IDLE ms p50 | p99 | event ms p50 | p99 | event after raw IDLE ms p50 | p99 |");
        out.println("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (Way way : Way.values()) {
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
        for (Way way : Way.values()) {
            double after = millis(
                    arrivals.stream().filter(arrival -> arrival.way() == way).toList(), 50, Arrival::eventAfterNotice);
            out.println(Figures.verdict(
                    "%s: the event is %.1f ms after the raw IDLE's notice (p50), target at most %d ms"
                            .formatted(way.shown, after, AFTER_NOTICE_MAX.toMillis()),
                    after <= AFTER_NOTICE_MAX.toMillis()));
            out.println();
        }
        out.println("Where the time goes, p50 in ms:");
        out.println();
        out.println("| arrival | raw IDLE to observation sent (fetcher) | to change sent (writer) | to subscriber |");
        out.println("|---|---:|---:|---:|");
        for (Way way : Way.values()) {
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
