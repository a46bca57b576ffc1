package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jboss.logging.Logger;
import org.postbus.fetcher.publish.ObservationPublisher;
import org.postbus.fetcher.source.ChangeSource.PassOutcome;
import org.postbus.fetcher.source.ChangeSource.PassRequest;
import org.postbus.fetcher.source.ComparisonSchedule;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

/**
 * One pass over a JMAP account.
 *
 * <p>Phases: (1) the first time, and until it has ended, the {@link InitialSync}; (2) what changed since the state, page by page ({@link
 * EmailChangesSync}); if the server cannot report what changed, all ids are compared ({@link Reconciliation}); (3) once changes have settled, the
 * {@link OverlapRequery}; (4) after a pass that found nothing, the {@link CountAudit}. A state is published only after everything that it
 * follows from, so a failure after any phase costs no more than that page again.
 *
 * <p>Once a day all emails are compared ({@link ComparisonSchedule}): a change of keywords that the server does not report does not even show in
 * the counts of mailboxes.
 */
final class JmapPass {
    /**
     * When there are at most this many stored emails for each change, all are compared instead of the overlap re-query: a server may omit an
     * email from its changes whatever the state (James: one that is moved and destroyed between two polls).
     */
    private static final int COMPARED_PER_CHANGE = 50;
    /** Emails that are tried again in one pass, each by a request of its own. */
    private static final int RETRIES_MAX = 50;

    private static final Logger LOG = Logger.getLogger(JmapPass.class);

    private final JmapPassContext pass;
    private final JmapSyncState state;
    private final PassRequest request;
    private final MailboxSync mailboxes;
    private final InitialSync initialSync;
    private final EmailChangesSync changes;
    private final OverlapRequery overlapRequery;
    private final Reconciliation reconciliation;
    private final EmailPublishing emails;
    private boolean retryChanges;
    private boolean complete = true;

    JmapPass(JmapPassContext pass, PassRequest request) {
        this.pass = pass;
        this.state = pass.state();
        this.request = request;
        this.mailboxes = new MailboxSync(pass);
        this.emails = new EmailPublishing(pass, mailboxes);
        this.initialSync = new InitialSync(pass, mailboxes, emails);
        this.changes = new EmailChangesSync(pass, mailboxes, emails);
        this.overlapRequery = new OverlapRequery(pass, emails);
        this.reconciliation = new Reconciliation(pass, mailboxes, emails);
    }

    PassOutcome run() throws InterruptedException {
        ObservationPublisher out = pass.out();
        long sentBefore = out.sentSeq();
        sync();
        boolean again = retryChanges || mailboxes.anotherPassNeeded();
        if (request.full() || again || out.isPending() || out.sentSeq() > sentBefore) {
            state.audit = state.audit.changed();
        } else {
            if (pass.changesExpected()
                    || !state.countedAt.plus(CountAudit.EVERY).isAfter(pass.now())) {
                state.audit = state.audit.wanted();
            }
            if (state.audit.due() && out.isApplied()) {
                audit();
                state.countedAt = pass.now();
            }
        }
        return new PassOutcome(true, retryChanges || mailboxes.anotherPassNeeded(), complete ? request.number() : 0);
    }

    private void sync() throws InterruptedException {
        if (state.emails.isEmpty()) {
            initialSync.begin();
        }
        if (state.overlap.isEmpty()) {
            String emailState = state.emails.orElseThrow().state();
            state.overlap = Optional.of(state.emails
                    .flatMap(Cursor.Jmap::unsettled)
                    .map(unsettled -> OverlapWindow.between(unsettled.since(), emailState, pass.now()))
                    .orElseGet(() -> OverlapWindow.from(emailState, pass.now())));
        }
        if (!state.emails.orElseThrow().firstRunEnded()) {
            initialSync.run();
        }
        if (request.full() || isComparisonDue()) {
            reconciliation.run();
        }
        syncChanges();
        Optional<String> since = state.overlap.orElseThrow().due(pass.now());
        if (since.isPresent()) {
            if (state.changesSinceComparison * COMPARED_PER_CHANGE >= emailsOnServer()) {
                reconciliation.run();
            } else {
                overlapRequery.run(since.get());
            }
            state.overlap = state.overlap.map(window -> window.queried(pass.now()));
        }
        retry();
    }

    /** Emails that could not be read before: those that are due, or that a user wants to be tried again, or all in a full pass. */
    private void retry() throws InterruptedException {
        if (state.notRead.isEmpty()) {
            return;
        }
        Set<String> due = new TreeSet<>(request.full() ? state.notRead.all() : state.notRead.due(pass.now()));
        if (request.requested()) {
            due.addAll(pass.stored().dueNotRead(pass.now()));
        }
        emails.retry(
                due.stream().filter(state.notRead::contains).limit(RETRIES_MAX).toList());
    }

    private void syncChanges() throws InterruptedException {
        try {
            changes.run();
            state.reconciliations = ReconciliationSchedule.NONE;
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.CursorLost)) {
                throw e;
            }
            if (!state.reconciliations.isDue(pass.now())) {
                complete = false;
                return;
            }
            LOG.infof(
                    "account %s: all ids are compared: %s",
                    pass.account(), e.failure().text());
            reconciliation.run();
            state.reconciliations = state.reconciliations.reconciled(pass.now());
            retryChanges = state.reconciliations.isWorthATry();
        }
    }

    private boolean isComparisonDue() {
        Instant since = state.comparisonCheckedAt.orElse(pass.now());
        state.comparisonCheckedAt = Optional.of(pass.now());
        return ComparisonSchedule.isDue(
                pass.account(), since, pass.now(), pass.context().compareEvery());
    }

    private long emailsOnServer() {
        return state.mailboxes.values().stream()
                .mapToLong(ObservedMailbox::totalEmails)
                .sum();
    }

    private void audit() throws InterruptedException {
        // A server that omits the change of an email may omit its mailbox's, too.
        Map<MailboxKey, ObservedMailbox> before = Map.copyOf(state.mailboxes);
        mailboxes.refresh();
        if (!before.equals(state.mailboxes)) {
            state.audit = state.audit.changed();
            return;
        }
        Map<MailboxKey, Long> differences = pass.stored().countDifferences();
        boolean proven = state.audit.isProvenBy(differences);
        state.audit = state.audit.counted(differences);
        if (proven) {
            LOG.warnf(
                    "account %s: all ids are compared: %d mailboxes have another number of emails than the server reports,"
                            + " though it reports no change",
                    pass.account(), differences.size());
            state.audit = state.audit.comparing();
            reconciliation.run();
        }
    }
}
