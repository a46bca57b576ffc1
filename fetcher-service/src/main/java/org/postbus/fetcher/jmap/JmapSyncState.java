package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.ObservedMailbox;
import org.postbus.event.SyncScope;
import org.postbus.fetcher.store.Claim;

/** What has been published of an account's JMAP data under the present claim, or was stored before it. */
final class JmapSyncState {
    Optional<Cursor.Jmap> emails;
    Optional<String> mailboxState;
    final Map<MailboxKey, ObservedMailbox> mailboxes = new LinkedHashMap<>();
    CountAudit audit = CountAudit.DUE;
    Instant countedAt = Instant.EPOCH;
    Optional<Instant> lookedAt = Optional.empty();
    ReconciliationSchedule lost = ReconciliationSchedule.NONE;
    /** Empty until a state is known. */
    Optional<OverlapWindow> secondLook = Optional.empty();
    /** How many changes the server told of since all emails were compared. */
    long changedSinceCompared;
    /** Whether the server gives emails in the answer that says that they changed. */
    boolean emailsWithChanges = true;

    final GetSizeLimit bodiesAtOnce = new GetSizeLimit(50);
    final GetSizeLimit statesAtOnce = new GetSizeLimit(500);

    private JmapSyncState(Optional<Cursor.Jmap> emails, Optional<String> mailboxState) {
        this.emails = emails;
        this.mailboxState = mailboxState;
    }

    static JmapSyncState of(Claim claim) {
        JmapSyncState view = new JmapSyncState(
                cursor(claim, SyncScope.JMAP_EMAIL),
                cursor(claim, SyncScope.JMAP_MAILBOX).map(Cursor.Jmap::state));
        view.changedSinceCompared = view.emails
                .flatMap(Cursor.Jmap::unsettled)
                .map(Cursor.Jmap.Unsettled::changes)
                .orElse(0L);
        claim.mailboxes()
                .forEach(mailbox -> view.mailboxes.put(mailbox.observed().key(), mailbox.observed()));
        return view;
    }

    private static Optional<Cursor.Jmap> cursor(Claim claim, SyncScope scope) {
        return claim.cursors().get(scope) instanceof Cursor.Jmap cursor ? Optional.of(cursor) : Optional.empty();
    }

    /** Parents first, those that have none among them before all; a loop of parents, which no server should have, last. */
    static List<ObservedMailbox> parentsFirst(Collection<ObservedMailbox> mailboxes) {
        Map<MailboxKey, ObservedMailbox> waiting = new LinkedHashMap<>();
        mailboxes.forEach(mailbox -> waiting.put(mailbox.key(), mailbox));
        List<ObservedMailbox> ordered = new ArrayList<>();
        while (!waiting.isEmpty()) {
            List<ObservedMailbox> next = waiting.values().stream()
                    .filter(mailbox -> mailbox.parent()
                            .map(parent -> !waiting.containsKey(parent))
                            .orElse(true))
                    .toList();
            if (next.isEmpty()) {
                next = List.copyOf(waiting.values());
            }
            next.forEach(mailbox -> waiting.remove(mailbox.key()));
            ordered.addAll(next);
        }
        return ordered;
    }
}
