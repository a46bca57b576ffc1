package org.postbus.fetcher.jmap;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMethod.ChangesResult;
import org.postbus.mail.jmap.method.JmapMethod.EmailChanges;
import org.postbus.observation.Observation.EmailStateObserved;

/**
 * Asks again for the changes since an earlier state ({@link OverlapWindow}) and publishes what is not stored as the server has it. The cursor
 * does not move.
 */
final class OverlapRequery {
    private final JmapPassContext pass;
    private final EmailPublishing emails;

    OverlapRequery(JmapPassContext pass, EmailPublishing emails) {
        this.pass = pass;
        this.emails = emails;
    }

    void run(String since) throws InterruptedException {
        pass.out().awaitApplied();
        String state = since;
        for (int page = 0; page < EmailChangesSync.PAGES_MAX; page++) {
            ChangesResult changed;
            try {
                changed = pass.call(new EmailChanges(state, EmailChangesSync.CHANGES_MAX));
            } catch (ServerException e) {
                if (e.failure() instanceof ServerFailure.CursorLost) {
                    // The server has forgotten that state: the count audit and the daily comparison remain.
                    return;
                }
                throw e;
            }
            publishDifferences(changed);
            if (!changed.hasMoreChanges() || changed.newState().equals(state)) {
                return;
            }
            state = changed.newState();
        }
    }

    private void publishDifferences(ChangesResult changed) throws InterruptedException {
        Set<String> named = new LinkedHashSet<>(changed.created());
        named.addAll(changed.updated());
        Map<String, EmailStateObserved> stored = emails.storedStates(named);
        List<String> created =
                named.stream().filter(id -> !stored.containsKey(id)).toList();
        Set<String> destroyed =
                new LinkedHashSet<>(emails.storedStates(changed.destroyed()).keySet());
        destroyed.addAll(emails.publishDifferences(stored));
        emails.publishDestroyedAndCreated(destroyed, created, Optional.empty());
    }
}
