package org.postbus.writer.apply;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.postbus.codec.EventCodec;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.MessageNotRead;
import org.postbus.observation.ObservationBatch;
import org.postbus.observation.ReadFailures;
import org.postbus.writer.decide.BatchPart;
import org.postbus.writer.decide.MailboxTree;
import org.postbus.writer.decide.StorableText;
import org.postbus.writer.decide.StoredMailbox;
import org.postbus.writer.table.AccountSyncTable;
import org.postbus.writer.table.QuarantineTable;
import org.postbus.writer.table.QuarantinedMessageTable;
import org.postbus.writer.table.RecordPosition;

/**
 * Quarantines an observation that cannot be stored, in place of applying it: what was observed is kept for operators in {@code quarantine}, and a
 * message that is not stored because of it appears to its tenant in {@code quarantined_message} or {@code quarantined_email}. The cursor may then pass it. An observation
 * that cannot be shown as a message costs a full pass instead.
 */
final class RefusedObservations {
    /** The fetcher reads it again then, and it is refused again, unless the writer has learned to store it. */
    private static final Duration RETRY_AFTER = Duration.ofHours(1);

    private final BatchContext context;
    private final MailboxTree mailboxes;

    /** @param stored the mailboxes that the batch needs */
    RefusedObservations(BatchContext context, List<StoredMailbox> stored) {
        this.context = context;
        this.mailboxes = new MailboxTree(stored, context.ids());
    }

    /** @param reason for people; storable */
    BatchPart quarantineNext(ObservationBatch batch, BatchPart done, RecordPosition position, String reason) {
        Observation observation = batch.observations().get(done.observations());
        if (!(observation instanceof EmailObserved observed && show(observed, reason))) {
            // Before it is inserted, because recent ones are counted.
            AccountSyncTable.wantFullPass(context.transaction(), context.account());
        }
        QuarantineTable.insert(
                context.transaction(),
                Optional.of(context.tenant()),
                Optional.of(context.account()),
                position,
                EventCodec.encode(observation),
                reason);
        return done.withoutNext();
    }

    /** Does nothing if an earlier delivery of the batch has done it. */
    BatchPart quarantine(List<UnreadableObservation> unreadable, BatchPart done, RecordPosition position) {
        if (done.refused()) {
            return done;
        }
        // Before they are inserted, because recent ones are counted.
        AccountSyncTable.wantFullPass(context.transaction(), context.account());
        for (UnreadableObservation observation : unreadable) {
            QuarantineTable.insert(
                    context.transaction(),
                    Optional.of(context.tenant()),
                    Optional.of(context.account()),
                    position,
                    observation.json(),
                    observation.reason());
        }
        return done.afterRefusal();
    }

    /** Returns false if the message's mailbox is not known. */
    private boolean show(EmailObserved observed, String reason) {
        String text = StorableText.of("the message cannot be stored: " + reason, MessageNotRead.REASON_LENGTH_MAX);
        Instant now = context.now();
        ReadFailures failures = new ReadFailures(true, 0, 0, now, now, now.plus(RETRY_AFTER));
        return switch (observed.ref()) {
            case ImapMessage(MailboxKey mailbox, long uidValidity, long uid) -> {
                Optional<UUID> id = mailboxes.find(mailbox);
                id.ifPresent(known -> QuarantinedMessageTable.save(
                        context.transaction(),
                        context.tenant(),
                        context.account(),
                        known,
                        MessageNotRead.imap(mailbox, uidValidity, uid, text, failures),
                        now));
                yield id.isPresent();
            }
            case JmapEmail(String id) -> {
                QuarantinedMessageTable.saveEmail(
                        context.transaction(),
                        context.tenant(),
                        context.account(),
                        MessageNotRead.jmap(id, text, failures),
                        now);
                yield true;
            }
        };
    }
}
