package org.postbus.fetcher.assignment;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.event.AccountRecord;
import org.postbus.fetcher.loop.AccountLoops;
import org.postbus.model.AccountId;

/**
 * Which accounts this fetcher synchronises: those whose latest record lies in a partition that it holds. A function of the
 * records and the partitions given and taken; carrying a decision out is {@link AccountLoops}' matter. Not thread-safe.
 */
public final class Assignments {

    /** What is to be done about one account. */
    public sealed interface Decision {
        AccountId accountId();

        record Start(AccountRecord account) implements Decision {
            @Override
            public AccountId accountId() {
                return account.accountId();
            }
        }

        /** Its settings, credential or status changed: everything about it is read anew. */
        record Restart(AccountRecord account) implements Decision {
            @Override
            public AccountId accountId() {
                return account.accountId();
            }
        }

        record Wake(AccountId accountId) implements Decision {}

        record Stop(AccountId accountId) implements Decision {}
    }

    private final Map<Integer, Map<AccountId, AccountRecord>> held = new HashMap<>();

    /** These partitions are ours now; their records follow, from the oldest on. */
    void assigned(Collection<Integer> partitions) {
        partitions.forEach(partition -> held.computeIfAbsent(partition, unused -> new HashMap<>()));
    }

    /** These partitions are another fetcher's now, and so are their accounts. */
    List<Decision> revoked(Collection<Integer> partitions) {
        List<Decision> stops = new ArrayList<>();
        for (Integer partition : partitions) {
            Map<AccountId, AccountRecord> accounts = held.remove(partition);
            if (accounts != null) {
                accounts.keySet().forEach(account -> stops.add(new Decision.Stop(account)));
            }
        }
        return stops;
    }

    /**
     * A record was read.
     *
     * @param account empty for a tombstone
     * @return empty if it changes nothing: it tells nothing new, or is from a partition that was taken from us meanwhile
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
        if (now.revision() < before.revision()) {
            return Optional.empty();
        }
        accounts.put(accountId, now);
        if (now.revision() > before.revision() || now.status() != before.status()) {
            return Optional.of(new Decision.Restart(now));
        }
        return now.wake() > before.wake() ? Optional.of(new Decision.Wake(accountId)) : Optional.empty();
    }

    public int accounts() {
        return held.values().stream().mapToInt(Map::size).sum();
    }
}
