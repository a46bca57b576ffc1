package org.postbus.fetcher.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.postbus.codec.EventCodec;
import org.postbus.fetcher.store.FenceLostException;
import org.postbus.fetcher.store.Progress;
import org.postbus.kit.InfrastructureFailureException;
import org.postbus.kit.concurrent.FairPermits;
import org.postbus.model.AccountId;
import org.postbus.model.EmailAddress;
import org.postbus.model.EmailBody;
import org.postbus.model.EmailBodyValue;
import org.postbus.model.EmailHeaders;
import org.postbus.model.TenantId;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ObservedEmail;

class ObservationPublisherTest {
    private static final int BYTES_IN_FLIGHT = 64 * 1024 * 1024;
    private final TenantId tenant = new TenantId(new UUID(9, 9));
    private final AccountId account = new AccountId(new UUID(1, 1));
    private final List<EncodedBatch> sent = Collections.synchronizedList(new ArrayList<>());
    private final FairPermits<TenantId> bytes = new FairPermits<>(BYTES_IN_FLIGHT);
    private final FairPermits<TenantId> initialBatches = new FairPermits<>(4);
    private final List<String> shown = new CopyOnWriteArrayList<>();
    private final KafkaWaits waits = new KafkaWaits() {
        @Override
        public void begun() {
            shown.add("begun");
        }

        @Override
        public void ended() {
            shown.add("ended");
        }
    };

    @Test
    void batches_keep_their_limits_and_are_numbered_without_gaps_whatever_is_observed() throws Exception {
        for (long seed = 0; seed < 4; seed++) {
            Random random = new Random(seed);
            sent.clear();
            List<Observation> observed = new ArrayList<>();
            try (ObservationPublisher publisher = publisher(this::accept, this::allApplied)) {
                for (int i = 0; i < 1500; i++) {
                    Observation observation = random.nextInt(20) == 0
                            ? new Observation.EmailsDestroyed(Collections.nCopies(1 + random.nextInt(500), "id"))
                            : email(i + 1, random.nextInt(8) == 0 ? random.nextInt(60_000) : random.nextInt(3000));
                    observed.add(observation);
                    publisher.add(observation);
                }
                publisher.flush();
            }

            List<Observation> arrived = new ArrayList<>();
            for (int i = 0; i < sent.size(); i++) {
                EncodedBatch encoded = sent.get(i);
                assertThat(encoded.json().length).as("seed %d", seed).isLessThanOrEqualTo(ObservationBatch.BYTES_MAX);
                ObservationBatch batch = EventCodec.decode(encoded.json(), ObservationBatch.class);
                assertThat(batch.seq()).as("seed %d", seed).isEqualTo(i + 1);
                assertThat(batch.fence()).as("seed %d", seed).isEqualTo(4);
                assertThat(batch.tenantId()).isEqualTo(tenant);
                assertThat(batch.accountId()).isEqualTo(account);
                assertThat(emails(batch)).as("seed %d", seed).isLessThanOrEqualTo(ObservationBatch.EMAILS_MAX);
                arrived.addAll(batch.observations());
            }
            assertThat(arrived).as("seed %d", seed).isEqualTo(observed);
            assertThat(bytes.held()).as("seed %d", seed).isZero();
        }
    }

    @Test
    void an_email_too_large_for_a_batch_is_published_without_its_body() throws Exception {
        Observation.EmailObserved huge = withText(email(1, 10), "\u0001".repeat(100_000));
        assertThat(EventCodec.encode(huge).length).isGreaterThan(ObservationBatch.BYTES_MAX);

        Observation.EmailObserved sentEmail =
                EventCodec.decode(EncodedObservation.of(huge).json(), Observation.class)
                                instanceof Observation.EmailObserved e
                        ? e
                        : null;

        assertThat(sentEmail.email().body()).isEmpty();
        assertThat(sentEmail.email().headers()).isEqualTo(huge.email().headers());
    }

    @Test
    void an_email_with_an_oversized_header_is_published_with_a_shortened_one() {
        EmailHeaders absurd = new EmailHeaders(
                List.of("id@example.com"),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Collections.nCopies(20_000, new EmailAddress(Optional.of("Somebody"), "somebody@example.com")),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("x".repeat(100_000)),
                Optional.empty());

        EncodedObservation encoded = EncodedObservation.of(withHeaders(email(1, 10), absurd));

        assertThat(encoded.json().length).isLessThanOrEqualTo(EncodedObservation.BYTES_MAX);
        Observation.EmailObserved sentEmail =
                (Observation.EmailObserved) EventCodec.decode(encoded.json(), Observation.class);
        assertThat(sentEmail.email().headers().messageId()).containsExactly("id@example.com");
        assertThat(sentEmail.email().headers().to()).hasSize(50);
    }

    @Test
    void the_next_batch_waits_for_the_acknowledgement_of_the_one_before() throws Exception {
        List<CompletableFuture<Void>> acks = Collections.synchronizedList(new ArrayList<>());
        Function<EncodedBatch, Uni<Void>> sink = batch -> {
            CompletableFuture<Void> ack = new CompletableFuture<>();
            acks.add(ack);
            return Uni.createFrom().completionStage(ack);
        };
        ObservationPublisher publisher = publisher(sink, this::allApplied);
        Thread loop = Thread.ofVirtual().start(() -> addBatches(publisher, 3));

        await().until(() -> acks.size() == 1);
        assertThat(loop.join(Duration.ofMillis(200))).isFalse();
        assertThat(acks).hasSize(1);
        acks.get(0).complete(null);
        await().until(() -> acks.size() == 2);
        acks.get(1).complete(null);
        await().until(() -> acks.size() == 3);
        acks.get(2).complete(null);
        assertThat(loop.join(Duration.ofSeconds(5))).isTrue();
    }

    @Test
    void no_more_than_eight_batches_are_ahead_of_the_writer() throws Exception {
        AtomicLong applied = new AtomicLong();
        ObservationPublisher publisher = publisher(this::accept, () -> new Progress(4, applied.get()));
        Thread loop = Thread.ofVirtual().start(() -> addBatches(publisher, 20));

        await().until(() -> sent.size() == ObservationPublisher.AHEAD_MAX);
        assertThat(loop.join(Duration.ofMillis(300))).isFalse();
        assertThat(sent).hasSize(ObservationPublisher.AHEAD_MAX);
        applied.set(5);
        await().until(() -> sent.size() == ObservationPublisher.AHEAD_MAX + 5);
        applied.set(20);
        assertThat(loop.join(Duration.ofSeconds(5))).isTrue();
        assertThat(sent).hasSize(20);
    }

    @Test
    void batches_of_all_initial_syncs_together_are_few_ahead_of_the_writer() throws Exception {
        AtomicLong applied = new AtomicLong();
        AtomicLong turns = new AtomicLong();
        List<Thread> loops = new ArrayList<>();
        List<ObservationPublisher> publishers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ObservationPublisher publisher = publisher(this::accept, () -> new Progress(4, applied.get()));
            publisher.beginInitialSync(turns::incrementAndGet);
            publishers.add(publisher);
            loops.add(Thread.ofVirtual().start(() -> addBatches(publisher, 5)));
        }

        // Of four permits one is reserved for other tenants.
        await().until(() -> sent.size() == 3 && initialBatches.isContended());
        assertThat(initialBatches.tryAcquire(new TenantId(UUID.randomUUID()))).isPresent();
        applied.set(Long.MAX_VALUE);
        for (Thread loop : loops) {
            assertThat(loop.join(Duration.ofSeconds(20))).isTrue();
        }
        assertThat(sent).hasSize(50);
        assertThat(turns).hasValue(50);
        assertThat(initialBatches.held()).isEqualTo(1);
    }

    @Test
    void an_initial_sync_that_is_closed_returns_its_permits() throws Exception {
        ObservationPublisher publisher = publisher(this::accept, () -> new Progress(4, 0));
        publisher.beginInitialSync(() -> {});
        Thread loop = Thread.ofVirtual().start(() -> addBatches(publisher, 1));
        await().until(() -> initialBatches.held() == 1);
        loop.interrupt();
        loop.join();

        publisher.close();

        assertThat(initialBatches.held()).isZero();
    }

    @Test
    void a_lost_fence_ends_the_waiting() {
        ObservationPublisher publisher = publisher(this::accept, () -> new Progress(5, 0));

        assertThatThrownBy(() -> {
                    publisher.add(new Observation.EmailsDestroyed(List.of("id")));
                    publisher.awaitApplied();
                })
                .isInstanceOf(FenceLostException.class);
    }

    @Test
    void a_send_that_fails_is_an_infrastructure_failure() {
        ObservationPublisher publisher =
                publisher(batch -> Uni.createFrom().failure(new IllegalStateException("no broker")), this::allApplied);

        assertThatThrownBy(() -> {
                    publisher.add(new Observation.EmailsDestroyed(List.of("id")));
                    publisher.flush();
                })
                .isInstanceOf(InfrastructureFailureException.class);
        assertThat(bytes.held()).isZero();
    }

    private void addBatches(ObservationPublisher publisher, int batches) {
        try {
            for (int i = 0; i < batches; i++) {
                publisher.add(new Observation.EmailsDestroyed(Collections.nCopies(500, "id")));
            }
            publisher.flush();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Uni<Void> accept(EncodedBatch batch) {
        sent.add(batch);
        return Uni.createFrom().voidItem();
    }

    private Progress allApplied() {
        return new Progress(4, Long.MAX_VALUE);
    }

    private ObservationPublisher publisher(Function<EncodedBatch, Uni<Void>> sink, Progress.Reader progress) {
        BatchSink batches = new BatchSink(sink, bytes, initialBatches, new PublisherMetrics(new SimpleMeterRegistry()));
        return new ObservationPublisher(tenant, account, 4, batches, progress, waits);
    }

    @Test
    void a_wait_for_kafka_is_shown_while_it_lasts() throws Exception {
        CompletableFuture<Void> acknowledged = new CompletableFuture<>();
        try (ObservationPublisher publisher =
                publisher(batch -> Uni.createFrom().completionStage(acknowledged), this::allApplied)) {
            publisher.add(email(1, 10));
            Thread flushing = Thread.ofVirtual().start(() -> flush(publisher));
            await().atMost(Duration.ofSeconds(30)).until(() -> shown.equals(List.of("begun")));
            assertThat(flushing.isAlive()).isTrue();

            acknowledged.complete(null);

            assertThat(flushing.join(Duration.ofSeconds(10))).isTrue();
            assertThat(shown).containsExactly("begun", "ended");
        }
    }

    private static void flush(ObservationPublisher publisher) {
        try {
            publisher.flush();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static int emails(ObservationBatch batch) {
        return batch.observations().stream()
                .mapToInt(observation -> observation instanceof Observation.EmailsDestroyed(List<String> ids)
                        ? ids.size()
                        : observation instanceof Observation.EmailObserved ? 1 : 0)
                .sum();
    }

    private static Observation.EmailObserved email(long uid, int textLength) {
        MailboxKey inbox = MailboxKey.ofRawName("INBOX");
        EmailHeaders headers = new EmailHeaders(
                List.of(uid + "@example.com"),
                List.of(),
                List.of(),
                List.of(),
                List.of(new EmailAddress(Optional.of("Zoë"), "zoe@example.com")),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of("subject \"" + uid + "\""),
                Optional.empty());
        return withText(
                withHeaders(
                        new Observation.EmailObserved(
                                new EmailRef.ImapMessage(inbox, 1, uid),
                                Set.of(inbox),
                                Set.of(),
                                Optional.of(uid),
                                new ObservedEmail(
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.of("hash"),
                                        headers,
                                        Instant.EPOCH,
                                        textLength,
                                        false,
                                        "",
                                        Optional.empty())),
                        headers),
                "é".repeat(textLength));
    }

    private static Observation.EmailObserved withHeaders(Observation.EmailObserved observed, EmailHeaders headers) {
        return with(observed, headers, observed.email().body());
    }

    private static Observation.EmailObserved withText(Observation.EmailObserved observed, String text) {
        return with(
                observed,
                observed.email().headers(),
                Optional.of(new EmailBody(
                        List.of(), List.of(), List.of(), Map.of("1", new EmailBodyValue(text, false, false)))));
    }

    private static Observation.EmailObserved with(
            Observation.EmailObserved observed, EmailHeaders headers, Optional<EmailBody> body) {
        ObservedEmail email = observed.email();
        return new Observation.EmailObserved(
                observed.ref(),
                observed.mailboxes(),
                observed.keywords(),
                observed.modSeq(),
                new ObservedEmail(
                        email.identity(),
                        email.serverThread(),
                        email.blobId(),
                        email.headerHash(),
                        headers,
                        email.receivedAt(),
                        email.size(),
                        email.hasAttachment(),
                        email.preview(),
                        body));
    }
}
