package org.postbus.writer.ingest;

import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.DeadLetter;
import org.postbus.topic.Topics;
import org.postbus.writer.decide.StorableText;
import org.postbus.writer.publish.RecordProducer;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.QuarantineTable;
import org.postbus.writer.table.RecordPosition;

/**
 * Stores records that can never be applied, so that they delay no others. No mail is lost: it is still on the server, and the account is claimed
 * anew for a full pass.
 */
public final class Quarantine {
    private static final Logger LOG = Logger.getLogger(Quarantine.class);
    private static final int REASON_LENGTH_MAX = 1000;

    private final TenantTransactions transactions;
    private final RecordProducer producer;

    public Quarantine(TenantTransactions transactions, RecordProducer producer) {
        this.transactions = transactions;
        this.producer = producer;
    }

    /**
     * Stores the value and requests a full pass, in one transaction, then publishes a dead letter. If the process ends between the two, the
     * record is consumed again and stored twice.
     *
     * @throws org.postbus.kit.InfrastructureFailureException if the database or the broker is not available; to be called again with the
     *     record
     */
    void add(ConsumerRecord<String, byte[]> record, String reason) {
        Optional<AccountId> account = accountOf(record);
        Optional<TenantId> tenant = account.flatMap(
                id -> transactions.callWithoutTenant(transaction -> AccountSyncTable.tenantOf(transaction, id)));
        RecordPosition position = new RecordPosition(record.topic(), record.partition(), record.offset());
        byte[] value = record.value() == null ? new byte[0] : record.value();
        String storable = StorableText.of(reason, REASON_LENGTH_MAX);
        long id = tenant.isPresent()
                ? transactions.call(tenant.get(), transaction -> {
                    AccountSyncTable.requestFullPass(transaction, account.orElseThrow());
                    return QuarantineTable.insert(transaction, tenant, account, position, value, storable);
                })
                : transactions.callWithoutTenant(transaction ->
                        QuarantineTable.insert(transaction, Optional.empty(), account, position, value, storable));
        LOG.errorf("record %s is quarantined as %d: %s", position, id, storable);
        DeadLetter letter = new DeadLetter(
                record.topic(), record.partition(), record.offset(), account.map(AccountId::toString), storable, id);
        producer.send(List.of(new ProducerRecord<>(Topics.DEAD_LETTERS, record.key(), EventCodec.encode(letter))));
    }

    private static Optional<AccountId> accountOf(ConsumerRecord<String, byte[]> record) {
        try {
            return Optional.ofNullable(record.key()).map(AccountId::of);
        } catch (IllegalArgumentException e) {
            LOG.warnf(
                    "the key of record %s-%d@%d is not an account id",
                    record.topic(), record.partition(), record.offset());
            return Optional.empty();
        }
    }
}
