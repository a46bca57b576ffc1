package org.postbus.fetcher.assignment;

import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.codec.MalformedRecordException;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/**
 * Consumes {@code postbus.accounts}: the partitions that the consumer group assigns to this fetcher hold the accounts that it syncs. Offsets
 * are never committed: a fetcher reads a partition that is assigned to it from the beginning.
 */
@ApplicationScoped
@Identifier("accounts")
class AccountsTopic implements KafkaConsumerRebalanceListener {
    /** The next owner of the partitions waits for this long at most. A loop that is still running then is harmless: its fence is overtaken. */
    private static final Duration HANDOVER_TIME_MAX = Duration.ofSeconds(3);

    private static final Logger LOG = Logger.getLogger(AccountsTopic.class);

    private final Assignments assignments = new Assignments();
    private final AccountLoops loops;

    AccountsTopic(AccountLoops loops) {
        this.loops = loops;
    }

    /**
     * A batch at a time: each message of a channel passes an event loop, and those are busy with logins when thousands of accounts begin. Record
     * by record the last account would begin only after the logins of those before it.
     */
    @Incoming("accounts")
    void observe(ConsumerRecords<String, byte[]> records) {
        records.forEach(this::observe);
    }

    void observe(ConsumerRecord<String, byte[]> record) {
        AccountId accountId;
        Optional<AccountRecord> account;
        try {
            accountId = accountOf(record);
            account = Optional.ofNullable(record.value()).map(json -> EventCodec.decode(json, AccountRecord.class));
            requireSameAccount(accountId, account);
        } catch (IllegalArgumentException | MalformedRecordException e) {
            LOG.errorf(
                    "partition %d, offset %d of postbus.accounts is skipped: %s",
                    record.partition(), record.offset(), e.getMessage());
            return;
        }
        synchronized (assignments) {
            assignments.observe(record.partition(), accountId, account).ifPresent(this::execute);
        }
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
