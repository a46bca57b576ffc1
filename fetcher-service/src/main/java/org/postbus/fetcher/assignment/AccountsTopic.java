package org.postbus.fetcher.assignment;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.smallrye.reactive.messaging.kafka.KafkaConsumer;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/**
 * Consumes {@code postbus.accounts}: the partitions that the consumer group assigns to this fetcher hold the accounts that it syncs. Offsets
 * are never committed: a fetcher reads a partition that is assigned to it from the beginning.
 *
 * <p>Membership is static, so that a fetcher that crashes and returns within the session timeout keeps its accounts. A planned stop leaves the group
 * explicitly: its accounts are assigned to others at once. Nothing is waited for before that. Loops that are still ending are harmless, because
 * the next owner's claim raises the fence.
 */
@ApplicationScoped
@Identifier(AccountsTopic.CHANNEL)
class AccountsTopic implements KafkaConsumerRebalanceListener {
    static final String CHANNEL = "accounts";

    /** The next owner of the partitions waits for this long at most. A loop that is still running then is harmless: its fence is overtaken. */
    private static final Duration HANDOVER_TIME_MAX = Duration.ofSeconds(3);

    private static final Duration LEAVE_TIME_MAX = Duration.ofSeconds(2);

    /** Before the loops are waited for. */
    private static final int FIRST = 1;

    private static final Logger LOG = Logger.getLogger(AccountsTopic.class);

    private final Assignments assignments = new Assignments();
    private final AccountLoops loops;
    private final KafkaClientService clients;
    private final SkippedRecords skips;

    AccountsTopic(AccountLoops loops, KafkaClientService clients, MeterRegistry registry) {
        this.loops = loops;
        this.clients = clients;
        this.skips = new SkippedRecords(registry);
    }

    void leave(@Observes @Priority(FIRST) ShutdownEvent event) {
        loops.shutDown();
        KafkaConsumer<String, byte[]> consumer = clients.getConsumer(CHANNEL);
        try {
            CompletableFuture<Void> left = consumer.runOnPollingThread(client -> {
                        client.close(
                                CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                                        .withTimeout(LEAVE_TIME_MAX));
                    })
                    .subscribeAsCompletionStage();
            // Ends the poll in progress.
            consumer.unwrap().wakeup();
            left.orTimeout(LEAVE_TIME_MAX.toMillis() + 1000, TimeUnit.MILLISECONDS)
                    .join();
            LOG.info("left the group of fetchers");
        } catch (RuntimeException e) {
            LOG.warnf("the accounts move to other fetchers after the session timeout: %s", e.getMessage());
        }
    }

    /**
     * A batch at a time: each message of a channel passes an event loop, and those are busy with logins when thousands of accounts begin. Record
     * by record the last account would begin only after the logins of those before it.
     */
    @Incoming(CHANNEL)
    void observe(ConsumerRecords<String, byte[]> records) {
        records.forEach(this::observe);
    }

    void observe(ConsumerRecord<String, byte[]> record) {
        skips.unlessBroken(record, () -> {
            AccountId accountId = accountOf(record);
            Optional<AccountRecord> account =
                    Optional.ofNullable(record.value()).map(json -> EventCodec.decode(json, AccountRecord.class));
            requireSameAccount(accountId, account);
            synchronized (assignments) {
                assignments.observe(record.partition(), accountId, account).ifPresent(this::execute);
            }
        });
    }

    private static AccountId accountOf(ConsumerRecord<String, byte[]> record) {
        if (record.key() == null) {
            throw new IllegalArgumentException("it has no key");
        }
        return AccountId.of(record.key());
    }

    /** The key decides which fetcher reads a record, so another account's loop would run in two fetchers. */
    private static void requireSameAccount(AccountId key, Optional<AccountRecord> value) {
        if (value.isPresent() && !value.get().accountId().equals(key)) {
            throw new IllegalArgumentException(
                    "its key is " + key + ", its account " + value.get().accountId());
        }
    }

    private void execute(Assignments.Decision decision) {
        switch (decision) {
            case Assignments.Decision.Start(AccountRecord account) -> loops.start(account);
            case Assignments.Decision.Stop(AccountId account) -> loops.stop(account);
        }
    }

    @Override
    public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        LOG.infof("%d partitions assigned", partitions.size());
        synchronized (assignments) {
            assignments.assigned(numbers(partitions));
        }
        consumer.seekToBeginning(partitions);
    }

    @Override
    public void onPartitionsRevoked(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        stop(partitions);
    }

    /** The group considers this fetcher dead and has assigned them to others already. */
    @Override
    public void onPartitionsLost(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        stop(partitions);
    }

    private void stop(Collection<TopicPartition> partitions) {
        LOG.infof("%d partitions revoked", partitions.size());
        Set<AccountId> accounts;
        synchronized (assignments) {
            accounts = assignments.revoked(numbers(partitions));
        }
        loops.stop(accounts, HANDOVER_TIME_MAX);
    }

    private static Set<Integer> numbers(Collection<TopicPartition> partitions) {
        return partitions.stream().map(TopicPartition::partition).collect(Collectors.toSet());
    }
}
