package org.postbus.writer.publish;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.postbus.change.ChangeEvent;
import org.postbus.change.Origin;
import org.postbus.codec.EventCodec;
import org.postbus.kit.sql.TenantTransactions;
import org.postbus.model.AccountId;
import org.postbus.writer.table.AccountErasureTable;
import org.postbus.writer.table.AccountErasureTable.Deletion;
import org.postbus.writer.table.ChangeOutboxTable;
import org.postbus.writer.table.ChangeRow;

/**
 * Publishes {@code account.deleted} for each deleted account: the last record of the account. The advisory lock of the account's publication makes
 * it wait for a publisher that is still sending earlier changes. If the process ends between the acknowledgement and the commit, the record is
 * sent again, byte for byte.
 */
final class DeletionPublisher {
    private static final int DELETIONS_MAX = 200;

    private final TenantTransactions transactions;
    private final RecordProducer producer;

    DeletionPublisher(TenantTransactions transactions, RecordProducer producer) {
        this.transactions = transactions;
        this.producer = producer;
    }

    /** Publishes what is due, up to {@link #DELETIONS_MAX}. */
    void publishDue() {
        List<Deletion> due = transactions.callWithoutTenant(
                transaction -> AccountErasureTable.unpublished(transaction, DELETIONS_MAX));
        due.forEach(this::publish);
    }

    private void publish(Deletion deletion) {
        AccountId account = deletion.account();
        transactions.call(deletion.tenant(), transaction -> {
            var lock = ChangeOutboxTable.tryLock(transaction, account);
            if (ChangeOutboxTable.isLocked(transaction.rows(lock))) {
                producer.send(List.of(CloudEvents.of(account, row(deletion))));
                AccountErasureTable.published(transaction, account);
            }
            return null;
        });
    }

    private static ChangeRow row(Deletion deletion) {
        ChangeEvent event = new ChangeEvent(
                deletion.tenant(),
                deletion.account(),
                deletion.seq(),
                new Origin.Server(),
                new ChangeEvent.AccountDeleted());
        return new ChangeRow(
                deletion.seq(),
                deletion.eventId(),
                ChangeEvent.typeOf(event.change()),
                Optional.empty(),
                EventCodec.encodeToString(event).getBytes(StandardCharsets.UTF_8),
                deletion.at());
    }
}
