package org.postbus.writer.decide;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.model.EmailBody;
import org.postbus.model.Keyword;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.EmailDifference.BodyRow;
import org.postbus.writer.decide.EmailDifference.CreatedEmail;
import org.postbus.writer.decide.EmailDifference.LinkKey;
import org.postbus.writer.decide.EmailDifference.LinkRow;
import org.postbus.writer.decide.EmailDifference.UpdatedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * The emails that a run of observations may touch, changed in memory in the order of the observations. This is the only class that resolves
 * what a server showed to an email id: by the server's identity, else by location, else by the fingerprint of an email that is in no
 * mailbox.
 */
public final class EmailSet {
    private final Supplier<UUID> ids;
    private final Threads threads;
    private final Map<UUID, EmailEntry> entries = new LinkedHashMap<>();
    private final Map<EmailIdentity, EmailEntry> byIdentity = new HashMap<>();
    private final Map<Location, EmailEntry> byLocation = new HashMap<>();
    private final Map<Fingerprint, Deque<EmailEntry>> unlinked = new HashMap<>();
    private final Map<EmailEntry, EmailBody> bodies = new LinkedHashMap<>();

    /** @param stored every stored email that the run may name, with all its links */
    public EmailSet(List<StoredEmail> stored, Threads threads, Supplier<UUID> ids) {
        this.ids = ids;
        this.threads = threads;
        for (StoredEmail email : stored) {
            EmailEntry entry = EmailEntry.stored(email);
            entries.put(entry.id(), entry);
            entry.identity().ifPresent(identity -> byIdentity.put(identity, entry));
            email.links().keySet().stream()
                    .filter(Location::holdsOneEmail)
                    .forEach(location -> byLocation.put(location, entry));
            if (email.unlinkedPass().isPresent()) {
                addUnlinked(entry);
            }
        }
    }

    /** @param mailboxes ids of the observation's mailboxes; for IMAP the first is the one in which the message has its UID */
    void observe(EmailObserved observation, Set<UUID> mailboxes) {
        ObservedEmail email = observation.email();
        Optional<EmailIdentity> identity = identity(observation);
        EmailEntry found =
                switch (observation.ref()) {
                    case JmapEmail jmap -> byIdentity.get(new EmailIdentity.Jmap(jmap.id()));
                    case ImapMessage imap -> find(email, mailboxes.iterator().next(), imap);
                };
        EmailEntry entry = found != null ? found : create(email, identity);
        if (found != null
                && observation.ref() instanceof JmapEmail
                && email.serverThread().isPresent()) {
            entry.joinThread(threads.threadOf(email));
        }
        email.blobId().ifPresent(entry::setBlobId);
        if (entry.adopt(identity)) {
            byIdentity.put(identity.orElseThrow(), entry);
        }
        email.body().ifPresent(body -> bodies.put(entry, body));
        file(entry, observation.ref(), mailboxes, observation.keywords(), observation.modSeq());
    }

    /** Ignored if the email is not stored: the fetcher also observes it as a whole. */
    void observe(EmailStateObserved observation, Set<UUID> mailboxes) {
        EmailEntry entry =
                switch (observation.ref()) {
                    case JmapEmail jmap -> byIdentity.get(new EmailIdentity.Jmap(jmap.id()));
                    case ImapMessage imap -> at(mailboxes.iterator().next(), imap);
                };
        if (entry != null) {
            file(entry, observation.ref(), mailboxes, observation.keywords(), observation.modSeq());
        }
    }

    void destroy(EmailsDestroyed observation) {
        for (String jmapId : observation.jmapIds()) {
            EmailEntry entry = byIdentity.remove(new EmailIdentity.Jmap(jmapId));
            if (entry != null) {
                entry.destroy();
            }
        }
    }

    /** If both ids are stored, the email has already been observed under its new id, and the one with the old id is destroyed. */
    void reassign(JmapIdsReassigned observation) {
        observation.newIds().forEach((before, now) -> {
            EmailEntry entry = byIdentity.remove(new EmailIdentity.Jmap(before));
            EmailIdentity identity = new EmailIdentity.Jmap(now);
            if (entry != null && byIdentity.putIfAbsent(identity, entry) == null) {
                entry.reassign(identity);
            } else if (entry != null) {
                entry.destroy();
            }
        });
    }

    /** Removes the links for which {@code gone} holds from all emails. */
    public void unlink(Predicate<Map.Entry<Location, Link>> gone) {
        for (EmailEntry entry : entries.values()) {
            List<Location> locations = entry.links().entrySet().stream()
                    .filter(gone)
                    .map(Map.Entry::getKey)
                    .toList();
            locations.forEach(location -> unlink(entry, location));
        }
    }

    /** To be called after the last observation: a late email may have joined the threads of earlier ones. */
    public void followThreads(Threads joined) {
        entries.values().forEach(entry -> entry.joinThread(joined.current(entry.threadId())));
    }

    /** @param pass the number of finished passes, stored with emails that have lost their last mailbox */
    public EmailDifference difference(long pass) {
        List<UUID> destroyed = new ArrayList<>();
        List<LinkKey> gone = new ArrayList<>();
        List<UpdatedEmail> updated = new ArrayList<>();
        List<CreatedEmail> created = new ArrayList<>();
        List<LinkRow> linked = new ArrayList<>();
        List<BodyRow> bodyRows = new ArrayList<>();
        List<Change> changes = new ArrayList<>();
        for (EmailEntry entry : entries.values()) {
            if (entry.isTransient()) {
                continue;
            }
            EntryDifference difference = new EntryDifference(entry);
            difference.change().ifPresent(changes::add);
            if (entry.isDestroyed()) {
                destroyed.add(entry.id());
                continue;
            }
            difference.created().ifPresent(created::add);
            difference.updated(pass).ifPresent(updated::add);
            gone.addAll(difference.unlinked());
            linked.addAll(difference.linked());
        }
        bodies.forEach((entry, body) -> {
            if (!entry.isTransient() && !entry.isDestroyed()) {
                bodyRows.add(new BodyRow(entry.id(), body));
            }
        });
        return new EmailDifference(
                destroyed, gone, updated, created, linked, bodyRows, threads.newReferences(), changes);
    }

    /** The server's identity of an observed email, if it has one. */
    static Optional<EmailIdentity> identity(EmailObserved observation) {
        return switch (observation.ref()) {
            case JmapEmail jmap -> Optional.of(new EmailIdentity.Jmap(jmap.id()));
            case ImapMessage imap -> observation.email().identity();
        };
    }

    private EmailEntry create(ObservedEmail email, Optional<EmailIdentity> identity) {
        UUID id = ids.get();
        EmailEntry entry = EmailEntry.created(id, email, identity, threads.threadOf(email));
        entries.put(id, entry);
        identity.ifPresent(value -> byIdentity.put(value, entry));
        return entry;
    }

    /** Null if the email is not stored. */
    private EmailEntry find(ObservedEmail email, UUID mailbox, ImapMessage message) {
        Optional<EmailIdentity> identity = email.identity();
        EmailEntry identified = identity.map(byIdentity::get).orElse(null);
        if (identified != null) {
            return identified;
        }
        EmailEntry located = at(mailbox, message);
        if (located != null && located.agreesWith(identity)) {
            return located;
        }
        Fingerprint fingerprint = Fingerprint.of(email);
        Deque<EmailEntry> candidates = unlinked.get(fingerprint);
        if (candidates == null || !fingerprint.identifies()) {
            return null;
        }
        Optional<EmailEntry> moved = candidates.stream()
                .filter(entry -> entry.isUnlinked() && entry.agreesWith(identity))
                .findFirst();
        moved.ifPresent(candidates::remove);
        return moved.orElse(null);
    }

    private EmailEntry at(UUID mailbox, ImapMessage message) {
        Location location = new Location(mailbox, message.uid());
        EmailEntry entry = byLocation.get(location);
        return entry != null && entry.links().get(location).uidValidity() == message.uidValidity() ? entry : null;
    }

    /** Sets where the email is and its keywords there. */
    private void file(
            EmailEntry entry, EmailRef ref, Set<UUID> mailboxes, Set<Keyword> keywords, Optional<Long> modSeq) {
        List<String> sorted = keywords.stream().map(Keyword::value).sorted().toList();
        switch (ref) {
            case JmapEmail jmap -> entry.label(mailboxes, new Link(0, Optional.empty(), sorted));
            case ImapMessage message -> {
                UUID home = mailboxes.iterator().next();
                Set<UUID> labels = new LinkedHashSet<>(mailboxes);
                labels.remove(home);
                entry.label(labels, new Link(0, Optional.empty(), sorted));
                Location location = new Location(home, message.uid());
                EmailEntry occupant = byLocation.get(location);
                if (occupant != null && occupant != entry) {
                    // A UID names one message, so the email that had it before is gone.
                    unlink(occupant, location);
                }
                byLocation.put(location, entry);
                entry.link(location, new Link(message.uidValidity(), modSeq, sorted));
            }
        }
    }

    private void unlink(EmailEntry entry, Location location) {
        byLocation.remove(location);
        entry.unlink(location);
        if (location.holdsOneEmail() && entry.links().keySet().stream().noneMatch(Location::holdsOneEmail)) {
            // Its labels were those of the message that is gone.
            entry.removeLabels();
        }
        if (entry.isUnlinked()) {
            addUnlinked(entry);
        }
    }

    private void addUnlinked(EmailEntry entry) {
        unlinked.computeIfAbsent(entry.fingerprint(), key -> new ArrayDeque<>()).add(entry);
    }

    /** The threads of these emails. */
    public Threads threads() {
        return threads;
    }
}
