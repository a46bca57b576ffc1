package org.postbus.fetcher.assignment;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.model.AccountId;
import org.postbus.topic.AccountRecord;

/**
 * Which accounts this fetcher syncs: those whose latest record is in a partition that is assigned to it. A function of the records read and
 * the partitions assigned and revoked; {@link AccountsTopic} executes the decisions. Not thread-safe.
 */
public final class Assignments {

    /** What is to be done about one account. */
    public sealed interface Decision {

        /** Start its loop, or restart it: its settings, credential or status changed, so everything about it is read again. */
        record Start(AccountRecord account) implements Decision {}

        record Stop(AccountId accountId) implements Decision {}
    }

    private final Map<Integer, Map<AccountId, AccountRecord>> held = new HashMap<>();

    /** These partitions are assigned to this fetcher; their records follow, from the oldest on. */
    void assigned(Collection<Integer> partitions) {
        partitions.forEach(partition -> held.computeIfAbsent(partition, unused -> new HashMap<>()));
    }

    /** These partitions, and their accounts, belong to another fetcher now. Returns the accounts to stop. */
    Set<AccountId> revoked(Collection<Integer> partitions) {
        Set<AccountId> stops = new HashSet<>();
        for (Integer partition : partitions) {
            Map<AccountId, AccountRecord> accounts = held.remove(partition);
            if (accounts != null) {
                stops.addAll(accounts.keySet());
            }
        }
        return stops;
    }

    /**
     * A record was read.
     *
     * @param account empty for a tombstone
     * @return empty if it changes nothing: it holds nothing new, or its partition was revoked meanwhile
     */
    Optional<Decision> observe(int partition, AccountId accountId, Optional<AccountRecord> account) {
        Map<AccountId, AccountRecord> accounts = held.get(partition);
        if (accounts == null) {
            return Optional.empty();
        }
        if (account.isEmpty()) {
            return accounts.remove(accountId) == null ? Optional.empty() : Optional.of(new Decision.Stop(accountId));
        }
        AccountRecord now = account.get();
        AccountRecord before = accounts.get(accountId);
        if (before == null) {
            accounts.put(accountId, now);
            return Optional.of(new Decision.Start(now));
        }
        // An account never moves to another tenant: such a record was forged.
        if (now.revision() < before.revision() || !now.tenantId().equals(before.tenantId())) {
            return Optional.empty();
        }
        accounts.put(accountId, now);
        boolean changed = now.revision() > before.revision() || now.status() != before.status();
        return changed ? Optional.of(new Decision.Start(now)) : Optional.empty();
    }

    int accounts() {
        return held.values().stream().mapToInt(Map::size).sum();
    }
}
