package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.fetcher.source.QuarantinePolicy;
import org.postbus.fetcher.source.QuarantinePolicy.Cause;
import org.postbus.fetcher.source.ServerDeviations.Counts;
import org.postbus.mail.ServerException;
import org.postbus.observation.ReadFailures;

/**
 * The emails of an account that exist and could not be read, by JMAP id: deferred or quarantined. The state that is published passes them; each is
 * tried again when it is due. Belongs to the account's loop.
 */
final class EmailsNotRead {
    private final Map<String, ReadFailures> byId;

    EmailsNotRead(Map<String, ReadFailures> stored) {
        byId = new HashMap<>(stored);
    }

    boolean isEmpty() {
        return byId.isEmpty();
    }

    boolean contains(String id) {
        return byId.containsKey(id);
    }

    /** @throws ServerException {@link QuarantinePolicy#tooMany} */
    ReadFailures failed(String id, Cause cause, Instant now) {
        if (!byId.containsKey(id) && byId.size() >= QuarantinePolicy.NOT_READ_MAX) {
            throw QuarantinePolicy.tooMany();
        }
        ReadFailures failures = QuarantinePolicy.failed(Optional.ofNullable(byId.get(id)), cause, now);
        byId.put(id, failures);
        return failures;
    }

    /** They were read, or do not exist any more. */
    void remove(Collection<String> ids) {
        ids.forEach(byId::remove);
    }

    List<String> due(Instant now) {
        return byId.entrySet().stream()
                .filter(entry -> !entry.getValue().nextTryAt().isAfter(now))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    List<String> all() {
        return byId.keySet().stream().sorted().toList();
    }

    Optional<Instant> nextTry() {
        return byId.values().stream().map(ReadFailures::nextTryAt).min(Instant::compareTo);
    }

    Counts counts() {
        long quarantined =
                byId.values().stream().filter(ReadFailures::quarantined).count();
        return new Counts(byId.size() - quarantined, quarantined);
    }
}
