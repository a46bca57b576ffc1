package org.postbus.writer.ingest;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jboss.logging.Logger;
import org.postbus.codec.EventCodec;
import org.postbus.kit.InfrastructureFailureException;
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
 * anew, at first for a full pass. An account that has had several such records lately will probably have the next: it is claimed anew later and later, and
 * no more full passes are requested.
 */
public final class Quarantine {
    private static final Logger LOG = Logger.getLogger(Quarantine.class);
    private static final int REASON_LENGTH_MAX = 1000;
    /** Records of an account within an hour that cost no pause and are kept in full. */
    private static final int OFTEN = 3;

    private static final int VALUE_MAX_IF_OFTEN = 16 * 1024;
    /** Of an account's queue, each time. Others may have written the records: they must not stop the account. */
    private static final Duration PAUSE_MAX = Duration.ofSeconds(10);

    private final TenantTransactions transactions;
    private final RecordProducer producer;

    public Quarantine(TenantTransactions transactions, RecordProducer producer) {
        this.transactions = transactions;
        this.producer = producer;
    }

    /** How long the account of a poison record waits before it is claimed anew: nothing at first, then 1 s to 10 s. */
    Duration pauseBefore(WaitingRecord record) {
        try {
            int often = recent(record) - OFTEN;
            return often < 0 ? Duration.ZERO : Duration.ofSeconds(Math.min(PAUSE_MAX.toSeconds(), 1L + often));
        } catch (InfrastructureFailureException e) {
            // The record is stored when the database is available again, and only then the account is claimed anew.
            return Duration.ZERO;
        }
    }

    /**
     * Stores the value and requests a full pass, in one transaction, then publishes a dead letter. If the process ends between the two, the
     * record is consumed again and stored twice.
     *
     * @throws org.postbus.kit.InfrastructureFailureException if the database or the broker is not available; to be called again with the
     *     record
     */
    void add(WaitingRecord record, byte[] octets, String reason) {
        Optional<AccountId> account = accountOf(record);
        Optional<TenantId> tenant = account.flatMap(this::tenantOf);
        boolean often = recent(record) >= OFTEN;
        RecordPosition position = record.position();
        byte[] value = often && octets.length > VALUE_MAX_IF_OFTEN ? Arrays.copyOf(octets, VALUE_MAX_IF_OFTEN) : octets;
        String storable = StorableText.of(reason, REASON_LENGTH_MAX);
        long id = tenant.isPresent()
                ? transactions.call(tenant.get(), transaction -> {
                    AccountSyncTable.endClaim(transaction, account.orElseThrow(), !often);
                    return QuarantineTable.insert(transaction, tenant, account, position, value, storable);
                })
                : transactions.callWithoutTenant(transaction ->
                        QuarantineTable.insert(transaction, Optional.empty(), account, position, value, storable));
        LOG.errorf("record %s is quarantined as %d: %s", position, id, storable);
        DeadLetter letter = new DeadLetter(
                position.topic(),
                position.partition(),
                position.offset(),
                account.map(AccountId::toString),
                storable,
                id);
        producer.send(List.of(
                new ProducerRecord<>(Topics.DEAD_LETTERS, record.key().orElse(null), EventCodec.encode(letter))));
    }

    /** Records of the account that were quarantined within the last hour. */
    private int recent(WaitingRecord record) {
        return accountOf(record)
                .flatMap(account -> tenantOf(account)
                        .map(tenant ->
                                transactions.call(tenant, transaction -> QuarantineTable.recent(transaction, account))))
                .orElse(0);
    }

    private Optional<TenantId> tenantOf(AccountId account) {
        return transactions.callWithoutTenant(transaction -> AccountSyncTable.tenantOf(transaction, account));
    }

    private static Optional<AccountId> accountOf(WaitingRecord record) {
        try {
            return record.key().map(AccountId::of);
        } catch (IllegalArgumentException e) {
            LOG.warnf("the key of record %s is not an account id", record.position());
            return Optional.empty();
        }
    }
}
