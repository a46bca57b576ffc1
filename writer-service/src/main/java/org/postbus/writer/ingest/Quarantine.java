package org.postbus.writer.ingest;

import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.model.AccountId;
import org.postbus.model.TenantId;
import org.postbus.topic.DeadLetter;
import org.postbus.topic.Topics;
import org.postbus.writer.publish.RecordProducer;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.Database;
import org.postbus.writer.table.QuarantineTable;
import org.postbus.writer.table.RecordPosition;
import org.postbus.writer.table.UnavailableException;

/**
 * Takes a record out of the way that can never be applied, so that it delays nobody. Nothing is lost: the server still has
 * what it told of, and its account is claimed anew for a full pass.
 */
public final class Quarantine {
    private static final Logger LOG = Logger.getLogger(Quarantine.class);
    private static final int REASON_LENGTH_MAX = 1000;

    private final Database database;
    private final RecordProducer producer;

    public Quarantine(Database database, RecordProducer producer) {
        this.database = database;
        this.producer = producer;
    }

    /**
     * Keeps the bytes and has the account read anew, in one transaction, then tells operators. If the process ends between the
     * two the record comes again and is kept twice.
     *
     * @throws UnavailableException if the database or the broker is away; the record is to be given here again
     */
    void keep(ConsumerRecord<String, byte[]> record, String why) {
        Optional<AccountId> account = accountOf(record);
        Optional<TenantId> tenant = account.flatMap(
                id -> database.withoutTenant(transaction -> AccountSyncTable.tenantOf(transaction, id)));
        RecordPosition position = new RecordPosition(record.topic(), record.partition(), record.offset());
        byte[] value = record.value() == null ? new byte[0] : record.value();
        String text = ObservationDecoder.storable(why);
        String reason = text.length() <= REASON_LENGTH_MAX
                ? text
                : ObservationDecoder.storable(text.substring(0, REASON_LENGTH_MAX));
        long id = tenant.isPresent()
                ? database.inTransaction(tenant.get(), transaction -> {
                    AccountSyncTable.wantFullPass(transaction, account.orElseThrow());
                    return QuarantineTable.insert(transaction, tenant, account, position, value, reason);
                })
                : database.withoutTenant(transaction ->
                        QuarantineTable.insert(transaction, Optional.empty(), account, position, value, reason));
        LOG.errorf("record %s is in quarantine as %d: %s", position, id, reason);
        DeadLetter letter = new DeadLetter(
                record.topic(), record.partition(), record.offset(), account.map(AccountId::toString), reason, id);
        producer.send(List.of(new ProducerRecord<>(Topics.DEAD_LETTERS, record.key(), EventCodec.encode(letter))));
    }

    private static Optional<AccountId> accountOf(ConsumerRecord<String, byte[]> record) {
        try {
            return Optional.ofNullable(record.key()).map(AccountId::of);
        } catch (IllegalArgumentException e) {
            LOG.warnf(
                    "record %s-%d@%d has a key that is no account",
                    record.topic(), record.partition(), record.offset());
            return Optional.empty();
        }
    }
}
