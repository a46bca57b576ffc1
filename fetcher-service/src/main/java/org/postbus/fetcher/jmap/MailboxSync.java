package org.postbus.fetcher.jmap;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMailbox;
import org.postbus.mail.jmap.method.JmapMailboxUpdate;
import org.postbus.mail.jmap.method.JmapMethod.ChangesResult;
import org.postbus.mail.jmap.method.JmapMethod.GetResult;
import org.postbus.mail.jmap.method.JmapMethod.Ids;
import org.postbus.mail.jmap.method.JmapMethod.MailboxChanges;
import org.postbus.mail.jmap.method.JmapMethod.MailboxGet;
import org.postbus.mail.jmap.method.JmapMethod.MailboxUpdatesGet;
import org.postbus.mail.jmap.method.JmapRequest;
import org.postbus.mail.jmap.method.JmapResults;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation;
import org.postbus.observation.ObservedMailbox;
import org.postbus.observation.SyncScope;

/** Publishes the mailboxes of an account: all of them, or those that changed. */
final class MailboxSync {
    /** Each is kept for as long as the account is watched, and takes a row in the database. */
    private static final int MAILBOXES_MAX = 10_000;

    private final JmapPassContext pass;
    private final JmapSyncState state;
    private final Set<String> notListed = new HashSet<>();
    private boolean anotherPassNeeded;

    MailboxSync(JmapPassContext pass) {
        this.pass = pass;
        this.state = pass.state();
    }

    /**
     * The mailboxes that exist have been published, those that vanished have not: first their emails are published in other mailboxes. The
     * state follows at the very end, with {@link #end}.
     */
    record Seen(List<MailboxKey> vanished, String state) {}

    /** Mailboxes vanished: the writer destroys emails without a mailbox only after another pass. */
    boolean anotherPassNeeded() {
        return anotherPassNeeded;
    }

    void refresh() throws InterruptedException {
        end(read());
    }

    Seen read() throws InterruptedException {
        GetResult<JmapMailbox> all = pass.call(new MailboxGet(Ids.all()));
        List<ObservedMailbox> mailboxes =
                all.list().stream().map(JmapObservations::observed).toList();
        publish(mailboxes);
        Set<MailboxKey> keys = new HashSet<>();
        mailboxes.forEach(mailbox -> keys.add(mailbox.key()));
        // Every account has a mailbox; an answer without any is a mistake of the server.
        List<MailboxKey> vanished = mailboxes.isEmpty()
                ? List.of()
                : state.mailboxes.keySet().stream()
                        .filter(key -> !keys.contains(key))
                        .toList();
        return new Seen(vanished, all.state());
    }

    /** An email may be in a mailbox that was created since mailboxes were read: that mailbox is published before the email. */
    void ensurePublished(Set<String> ids) throws InterruptedException {
        boolean unknown = false;
        for (String id : ids) {
            // Asked for once: a server may name a mailbox that it does not list.
            unknown |= !state.mailboxes.containsKey(MailboxKey.ofId(id)) && notListed.add(id);
        }
        checkNumber(notListed.size());
        if (unknown) {
            refresh();
        }
    }

    void end(Seen seen) throws InterruptedException {
        for (MailboxKey key : seen.vanished()) {
            pass.out().add(new Observation.MailboxVanished(key));
            state.mailboxes.remove(key);
            anotherPassNeeded = true;
        }
        if (!state.mailboxState.equals(Optional.of(seen.state()))) {
            state.mailboxState = Optional.of(seen.state());
            pass.out()
                    .add(new Observation.ScopeSynced(
                            SyncScope.JMAP_MAILBOX, new Cursor.Jmap(seen.state(), Optional.empty(), true)));
        }
    }

    /**
     * The calls that ask for changed mailboxes together with their ids, and only for the properties that changed where the server reports these.
     */
    record ChangesCalls(
            JmapRequest.Call<ChangesResult> changes,
            JmapRequest.Call<GetResult<JmapMailbox>> created,
            JmapRequest.Call<GetResult<JmapMailboxUpdate>> updated) {
        static ChangesCalls in(JmapRequest request, String sinceState) {
            JmapRequest.Call<ChangesResult> changes =
                    request.add(new MailboxChanges(sinceState, EmailChangesSync.CHANGES_MAX));
            return new ChangesCalls(
                    changes,
                    request.add(new MailboxGet(changes.result("/created"))),
                    request.add(new MailboxUpdatesGet(
                            changes.result("/updated"), changes.reference("/updatedProperties"))));
        }
    }

    /** Reads all mailboxes instead if the server cannot report what changed. */
    Seen publishChanges(ChangesCalls calls, JmapResults results) throws InterruptedException {
        Optional<ServerFailure> failure = results.failure(calls.changes())
                .or(() -> results.failure(calls.created()))
                .or(() -> results.failure(calls.updated()));
        if (failure.isPresent()) {
            boolean readAll = failure.get() instanceof ServerFailure.CursorLost
                    || failure.get() instanceof ServerFailure.Rejected;
            if (!readAll) {
                throw new ServerException(failure.get());
            }
            return read();
        }
        ChangesResult changes = results.get(calls.changes());
        if (changes.hasMoreChanges()) {
            return read();
        }
        Map<MailboxKey, ObservedMailbox> changed = new LinkedHashMap<>();
        for (JmapMailbox mailbox : results.get(calls.created()).list()) {
            changed.put(MailboxKey.ofId(mailbox.id()), JmapObservations.observed(mailbox));
        }
        for (JmapMailboxUpdate update : results.get(calls.updated()).list()) {
            switch (update) {
                case JmapMailboxUpdate.Whole(var mailbox) ->
                    changed.put(MailboxKey.ofId(mailbox.id()), JmapObservations.observed(mailbox));
                case JmapMailboxUpdate.Counts counts -> {
                    MailboxKey key = MailboxKey.ofId(counts.id());
                    ObservedMailbox before = changed.getOrDefault(key, state.mailboxes.get(key));
                    if (before == null) {
                        return read();
                    }
                    changed.put(key, JmapObservations.counted(before, counts));
                }
            }
        }
        publish(changed.values());
        List<MailboxKey> vanished = changes.destroyed().stream()
                .map(MailboxKey::ofId)
                .filter(state.mailboxes::containsKey)
                .toList();
        return new Seen(vanished, changes.newState());
    }

    private static void checkNumber(int mailboxes) {
        if (mailboxes > MAILBOXES_MAX) {
            throw new ServerException(new ServerFailure.LimitExceeded(
                    "the server has more than " + MAILBOXES_MAX + " mailboxes, which is what an account may have"));
        }
    }

    private void publish(Collection<ObservedMailbox> mailboxes) throws InterruptedException {
        for (ObservedMailbox mailbox : JmapObservations.parentsFirst(mailboxes)) {
            if (!mailbox.equals(state.mailboxes.get(mailbox.key()))) {
                checkNumber(state.mailboxes.size());
                pass.out().add(new Observation.MailboxObserved(mailbox));
                state.mailboxes.put(mailbox.key(), mailbox);
            }
        }
    }
}
