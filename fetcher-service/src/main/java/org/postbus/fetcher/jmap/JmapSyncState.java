package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.postbus.fetcher.store.Claim;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.SyncScope;

/**
 * What has been published of an account's JMAP data under the present claim, or was stored before it, and what one pass leaves to the next.
 * Belongs to the account's loop.
 */
final class JmapSyncState {
    private static final int BODIES_PER_GET = 50;
    private static final int STATES_PER_GET = 500;

    /** Empty before the initial sync has begun. */
    Optional<Cursor.Jmap> emails;

    Optional<String> mailboxState;
    final Map<MailboxKey, ObservedMailbox> mailboxes = new LinkedHashMap<>();
    CountAudit audit = CountAudit.DUE;
    Instant countedAt = Instant.EPOCH;
    /** When it was last checked whether the daily comparison is due. */
    Optional<Instant> comparisonCheckedAt = Optional.empty();

    ReconciliationSchedule reconciliations = ReconciliationSchedule.NONE;
    /** Empty until a state is known. */
    Optional<OverlapWindow> overlap = Optional.empty();
    /** How many changes the server reported since all emails were compared. */
    long changesSinceComparison;
    /** Whether the server returns emails in the answer that reports their change. */
    boolean emailsWithChanges = true;

    final GetSizeLimit bodiesPerGet = new GetSizeLimit(BODIES_PER_GET);
    final GetSizeLimit statesPerGet = new GetSizeLimit(STATES_PER_GET);

    final EmailsNotRead notRead;

    private JmapSyncState(Optional<Cursor.Jmap> emails, Optional<String> mailboxState, EmailsNotRead notRead) {
        this.notRead = notRead;
        this.emails = emails;
        this.mailboxState = mailboxState;
    }

    static JmapSyncState of(Claim claim) {
        JmapSyncState state = new JmapSyncState(
                cursor(claim, SyncScope.JMAP_EMAIL),
                cursor(claim, SyncScope.JMAP_MAILBOX).map(Cursor.Jmap::state),
                new EmailsNotRead(claim.emailsNotRead()));
        state.changesSinceComparison = state.emails
                .flatMap(Cursor.Jmap::unsettled)
                .map(Cursor.Jmap.Unsettled::changes)
                .orElse(0L);
        claim.mailboxes()
                .forEach(mailbox -> state.mailboxes.put(mailbox.observed().key(), mailbox.observed()));
        return state;
    }

    private static Optional<Cursor.Jmap> cursor(Claim claim, SyncScope scope) {
        return claim.cursors().get(scope) instanceof Cursor.Jmap cursor ? Optional.of(cursor) : Optional.empty();
    }
}
