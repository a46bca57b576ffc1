package org.postbus.fetcher.jmap;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.memory.HeldBytes;

/**
 * Compares all emails of an account with those stored, without a cursor. The state is read first, so what changes meanwhile is among the changes
 * since it. The stored emails are asked for by id, page by page; then all ids of the server are read, page by page, for those that are not
 * stored. An account of 100,000 emails takes no more memory than another.
 *
 * <p>Only the ids of emails that the server no longer has, and of new ones while there are such, are all kept in memory (720 bytes each), to find
 * those whose ids were reassigned. They are published as destroyed only after the enumeration has ended.
 */
final class Reconciliation {
    /** Emails that are read from the database at a time. */
    private static final int STORED_PAGE = 5000;
    /** Below this many ids no permit is needed. */
    private static final int FEW_IDS = 1000;
    /** What an id that is kept takes. */
    private static final long ID_BYTES = 720;

    /** Emails beyond these are published as new without looking for their former ids. */
    private static final int CREATED_MAX = 200_000;
    /** A server whose ids have not ended by then repeats itself; other accounts may wait for the permit of this one. */
    private static final Duration TIME_MAX = Duration.ofHours(1);

    private final JmapPassContext pass;
    private final MailboxSync mailboxes;
    private final EmailPublishing emails;

    Reconciliation(JmapPassContext pass, MailboxSync mailboxes, EmailPublishing emails) {
        this.pass = pass;
        this.mailboxes = mailboxes;
        this.emails = emails;
    }

    void run() throws InterruptedException {
        String emailState = emails.currentState();
        mailboxes.refresh();
        pass.out().awaitApplied();
        pass.state().changesSinceComparison = 0;
        Set<String> destroyed = new LinkedHashSet<>();
        List<String> created = new ArrayList<>();
        try (HeldBytes.Share held = pass.client().keeping();
                LazyPermit permit = new LazyPermit(
                        pass.context().bulkheads().manyIds(), pass.out().tenantId())) {
            for (List<String> stored = stored(""); !stored.isEmpty(); stored = stored(stored.getLast())) {
                destroyed.addAll(emails.publishDifferences(emails.storedStates(stored)));
                held.set(ID_BYTES * destroyed.size());
                permit.acquireIf(destroyed.size() > FEW_IDS);
            }
            JmapIdPages pages = new JmapIdPages(emails::idPage, Optional.empty());
            for (List<String> page = pages.next(); !page.isEmpty(); page = pages.next()) {
                checkTime();
                List<String> unknown = emails.withoutStored(page);
                if (destroyed.isEmpty() || created.size() > CREATED_MAX) {
                    emails.publish(unknown, Optional.empty());
                } else {
                    created.addAll(unknown);
                    held.set(ID_BYTES * (destroyed.size() + created.size()));
                    permit.acquireIf(created.size() > FEW_IDS);
                }
            }
            emails.publishDestroyedAndCreated(destroyed, created, Optional.empty());
        }
        emails.publishCursor(emailState, Optional.empty(), true);
    }

    private void checkTime() {
        if (pass.context().clock().instant().isAfter(pass.now().plus(TIME_MAX))) {
            throw new ServerException(new ServerFailure.Unreachable(
                    "the server's ids did not end within " + TIME_MAX.toMinutes() + " min"));
        }
    }

    private List<String> stored(String after) throws InterruptedException {
        return pass.stored().ids(after, STORED_PAGE);
    }
}
