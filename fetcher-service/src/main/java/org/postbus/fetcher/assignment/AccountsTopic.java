package org.postbus.fetcher.assignment;

import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;
import org.postbus.event.AccountRecord;
import org.postbus.event.EventCodec;
import org.postbus.event.MalformedRecordException;
import org.postbus.fetcher.Fetcher;
import org.postbus.model.AccountId;

/**
 * Follows {@code postbus.accounts}: the partitions that the consumer group gives to this fetcher are the accounts it
 * synchronises. Nothing is ever committed; whoever gets a partition reads it from its beginning.
 */
@ApplicationScoped
@Identifier("accounts")
class AccountsTopic implements KafkaConsumerRebalanceListener {
    /** The new owner waits no longer for us than this; its claim makes a straggler harmless. */
    private static final Duration HANDOVER_TIME_MAX = Duration.ofSeconds(3);

    private static final Logger LOG = Logger.getLogger(AccountsTopic.class);

    private final Assignments assignments = new Assignments();
    private final Fetcher fetcher;

    AccountsTopic(Fetcher fetcher) {
        this.fetcher = fetcher;
    }

    @Incoming("accounts")
    void observe(ConsumerRecord<String, byte[]> record) {
        AccountId accountId;
        Optional<AccountRecord> account;
        try {
            accountId = AccountId.of(record.key());
            account = Optional.ofNullable(record.value()).map(json -> EventCodec.decode(json, AccountRecord.class));
        } catch (IllegalArgumentException | MalformedRecordException e) {
            LOG.errorf(
                    "partition %d, offset %d of postbus.accounts is passed over: %s",
                    record.partition(), record.offset(), e.getMessage());
            return;
        }
        synchronized (assignments) {
            assignments.observe(record.partition(), accountId, account).ifPresent(fetcher.loops()::carryOut);
        }
    }

    @Override
    public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        LOG.infof("%d partitions more", partitions.size());
        synchronized (assignments) {
            assignments.assigned(numbers(partitions));
        }
        consumer.seekToBeginning(partitions);
    }

    @Override
    public void onPartitionsRevoked(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        giveUp(partitions);
    }

    /** The group believes us dead and has given them away already: nobody waits for us. */
    @Override
    public void onPartitionsLost(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        giveUp(partitions);
    }

    private void giveUp(Collection<TopicPartition> partitions) {
        LOG.infof("%d partitions fewer", partitions.size());
        List<Assignments.Decision> stops;
        synchronized (assignments) {
            stops = assignments.revoked(numbers(partitions));
        }
        fetcher.loops().stop(stops, HANDOVER_TIME_MAX);
    }

    private static Set<Integer> numbers(Collection<TopicPartition> partitions) {
        return partitions.stream().map(TopicPartition::partition).collect(Collectors.toSet());
    }
}
