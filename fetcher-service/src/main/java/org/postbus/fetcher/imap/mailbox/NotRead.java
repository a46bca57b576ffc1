package org.postbus.fetcher.imap.mailbox;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;
import java.util.stream.LongStream;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.ReadFailures;

/**
 * The messages of one mailbox that exist and could not be read: deferred or quarantined. The cursor passes them; each is tried again when it is
 * due. Written by the account's loop and by the threads that parse its mail.
 */
public final class NotRead {
    private final Map<Long, ReadFailures> byUid = new ConcurrentHashMap<>();

    NotRead(Map<Long, ReadFailures> stored) {
        byUid.putAll(stored);
    }

    public boolean isEmpty() {
        return byUid.isEmpty();
    }

    public int size() {
        return byUid.size();
    }

    public UidSet uids() {
        return uids(byUid.keySet().stream().mapToLong(Long::longValue));
    }

    public Optional<ReadFailures> of(long uid) {
        return Optional.ofNullable(byUid.get(uid));
    }

    public Map<Long, ReadFailures> all() {
        return new HashMap<>(byUid);
    }

    public void put(long uid, ReadFailures failures) {
        byUid.put(uid, failures);
    }

    public void remove(LongPredicate uids) {
        byUid.keySet().removeIf(uids::test);
    }

    /** What is to be tried again now. */
    public UidSet due(Instant now) {
        return uids(byUid.entrySet().stream()
                .filter(entry -> !entry.getValue().nextTryAt().isAfter(now))
                .mapToLong(Map.Entry::getKey));
    }

    /** Those of the UIDs that it holds are due at once: a full pass, or a user, wants them to be tried again. */
    public void makeDue(LongPredicate uids) {
        byUid.replaceAll((uid, failures) -> uids.test(uid)
                ? new ReadFailures(
                        failures.quarantined(),
                        failures.refusals(),
                        failures.retries(),
                        failures.firstAt(),
                        failures.lastAt(),
                        Instant.EPOCH)
                : failures);
    }

    public Optional<Instant> nextTry() {
        return byUid.values().stream().map(ReadFailures::nextTryAt).min(Instant::compareTo);
    }

    public long quarantined() {
        return byUid.values().stream().filter(ReadFailures::quarantined).count();
    }

    private static UidSet uids(LongStream uids) {
        return UidSet.ofUids(uids.toArray());
    }
}
