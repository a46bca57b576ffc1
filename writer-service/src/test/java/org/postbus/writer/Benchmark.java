package org.postbus.writer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.postbus.codec.EventCodec;
import org.postbus.devstack.DevStack;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyPart;
import org.postbus.model.EmailBodyValue;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.apply.BatchApplier;
import org.postbus.writer.ingest.ObservationDecoder;

/**
 * Measures how fast batches are applied, without Kafka: run {@code main}. Prints emails per second for new emails, and for the same emails
 * observed again.
 */
final class Benchmark {
    private static final int EMAILS = 10_000;
    private static final int PER_BATCH = 200;
    private static final int ROUNDS = 5;
    private static final int BODY_LENGTH = 2_500;

    private Benchmark() {}

    public static void main(String[] arguments) {
        for (int round = 1; round <= ROUNDS; round++) {
            TestAccount account = TestAccount.create();
            account.apply(Observations.mailbox(Observations.INBOX));
            List<byte[]> batches = batches(account, round);
            long begun = System.nanoTime();
            Duration writer = cpu(ProcessHandle.current());
            Duration postgres = cpuOfPostgres();
            batches.forEach(Benchmark::apply);
            double first = seconds(begun);
            writer = cpu(ProcessHandle.current()).minus(writer);
            postgres = cpuOfPostgres().minus(postgres);
            List<byte[]> again = batches(account, round);
            begun = System.nanoTime();
            again.forEach(Benchmark::apply);
            System.out.printf(
                    "round %d: %,.0f emails/s (CPU: writer %d µs, PostgreSQL %d µs per email), seen again %,.0f emails/s%n",
                    round,
                    EMAILS / first,
                    writer.toMillis() * 1000 / EMAILS,
                    postgres.toMillis() * 1000 / EMAILS,
                    EMAILS / seconds(begun));
        }
        System.exit(0);
    }

    private static Duration cpu(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    private static Duration cpuOfPostgres() {
        return ProcessHandle.of(DevStack.postgres().pid())
                .orElseThrow()
                .descendants()
                .map(Benchmark::cpu)
                .reduce(Duration.ZERO, Duration::plus);
    }

    private static double seconds(long begun) {
        return (System.nanoTime() - begun) / 1e9;
    }

    private static void apply(byte[] value) {
        BatchApplier.Outcome outcome = TestAccount.APPLIER.apply(ObservationDecoder.decode(value), TestAccount.NOW);
        if (!(outcome instanceof BatchApplier.Outcome.Applied)) {
            throw new IllegalStateException("not applied but " + outcome);
        }
    }

    private static List<byte[]> batches(TestAccount account, int seed) {
        Random random = new Random(seed);
        List<byte[]> batches = new ArrayList<>();
        for (int from = 0; from < EMAILS; from += PER_BATCH) {
            List<Observation> observations = new ArrayList<>();
            for (int uid = from + 1; uid <= from + PER_BATCH; uid++) {
                observations.add(Observations.imap(Observations.INBOX, 1, uid, email(uid, random), "$seen"));
            }
            batches.add(EventCodec.encode(account.nextBatch(observations)));
        }
        return batches;
    }

    private static ObservedEmail email(int uid, Random random) {
        ObservedEmail plain = Observations.email("message-" + uid + "@example.com", Optional.empty(), List.of());
        String text = random.ints(BODY_LENGTH, 0, 40)
                .collect(
                        StringBuilder::new,
                        (all, i) -> all.append(i < 26 ? (char) ('a' + i) : ' '),
                        StringBuilder::append)
                .toString();
        List<EmailBodyPart> parts = plain.body().orElseThrow().textBody();
        return new ObservedEmail(
                plain.identity(),
                plain.serverThread(),
                plain.blobId(),
                plain.headerHash(),
                plain.headers(),
                plain.receivedAt().plusSeconds(uid),
                plain.size(),
                false,
                text.substring(0, 200),
                Optional.of(new EmailBody(
                        parts, List.of(), List.of(), Map.of("1", new EmailBodyValue(text, false, false)))));
    }
}
