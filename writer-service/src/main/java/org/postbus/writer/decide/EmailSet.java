package org.postbus.writer.decide;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
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
import org.postbus.model.EmailBody;
import org.postbus.model.Keyword;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.EmailRef;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Place;

/**
 * The emails that a run of observations may touch, changed in memory in the order of the observations. What a server shows
 * is resolved to an email of ours here, and only here.
 */
public final class EmailSet {
    private final Supplier<UUID> ids;
    private final Threads threads;
    private final Map<UUID, EmailEntry> entries = new LinkedHashMap<>();
    private final Map<String, EmailEntry> byIdentity = new HashMap<>();
    private final Map<Place, EmailEntry> byPlace = new HashMap<>();
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
            email.links().keySet().stream().filter(EmailSet::holdsOneEmail).forEach(place -> byPlace.put(place, entry));
            if (email.unlinkedPass().isPresent()) {
                unlinked.computeIfAbsent(entry.fingerprint(), key -> new ArrayDeque<>())
                        .add(entry);
            }
        }
    }

    /** @param mailboxes the ids of the observation's mailboxes; IMAP: first the one that the message lies in */
    void observe(EmailObserved observation, Set<UUID> mailboxes) {
        ObservedEmail email = observation.email();
        Optional<String> identity = identity(observation);
        EmailEntry known =
                switch (observation.ref()) {
                    case JmapEmail jmap -> byIdentity.get(identity(jmap));
                    case ImapMessage imap -> find(email, mailboxes.iterator().next(), imap);
                };
        EmailEntry entry = known != null ? known : enter(email, identity);
        if (known != null
                && observation.ref() instanceof JmapEmail
                && email.serverThread().isPresent()) {
            entry.goesOverTo(threads.threadOf(email));
        }
        email.blobId().ifPresent(entry::hasBlob);
        if (entry.adopt(identity)) {
            byIdentity.put(identity.orElseThrow(), entry);
        }
        email.body().ifPresent(body -> bodies.put(entry, body));
        place(entry, observation.ref(), mailboxes, observation.keywords(), observation.modSeq());
    }

    /** Of an email that is not known nothing is taken: it will be observed as a whole. */
    void observe(EmailStateObserved observation, Set<UUID> mailboxes) {
        EmailEntry entry =
                switch (observation.ref()) {
                    case JmapEmail jmap -> byIdentity.get(identity(jmap));
                    case ImapMessage imap -> at(mailboxes.iterator().next(), imap);
                };
        if (entry != null) {
            place(entry, observation.ref(), mailboxes, observation.keywords(), observation.modSeq());
        }
    }

    void destroy(EmailsDestroyed observation) {
        for (String jmapId : observation.jmapIds()) {
            EmailEntry entry = byIdentity.remove(identity(new JmapEmail(jmapId)));
            if (entry != null) {
                entry.destroy();
            }
        }
    }

    /** An email that is known under both ids has been observed under the new one before: the old one is then gone. */
    void rename(JmapIdsReassigned observation) {
        observation.newIds().forEach((before, now) -> {
            EmailEntry entry = byIdentity.remove(identity(new JmapEmail(before)));
            String identity = identity(new JmapEmail(now));
            if (entry != null && byIdentity.putIfAbsent(identity, entry) == null) {
                entry.rename(identity);
            } else if (entry != null) {
                entry.destroy();
            }
        });
    }

    /** Takes from every email the links for which {@code gone} holds. */
    public void unlink(Predicate<Map.Entry<Place, Link>> gone) {
        for (EmailEntry entry : entries.values()) {
            List<Place> places = entry.links().entrySet().stream()
                    .filter(gone)
                    .map(Map.Entry::getKey)
                    .toList();
            places.forEach(place -> unlink(entry, place));
        }
    }

    /** After the last observation: an email may have joined threads that others were entered under. */
    public void follow(Threads joined) {
        entries.values().forEach(entry -> entry.goesOverTo(joined.current(entry.threadId())));
    }

    /** Every email that is or was something. */
    public Collection<EmailEntry> entries() {
        return entries.values().stream().filter(entry -> !entry.isNothing()).toList();
    }

    public Map<EmailEntry, EmailBody> bodies() {
        return bodies;
    }

    public Threads threads() {
        return threads;
    }

    /** What the server calls an observed email wherever it lies. */
    static Optional<String> identity(EmailObserved observation) {
        return switch (observation.ref()) {
            case JmapEmail jmap -> Optional.of(identity(jmap));
            case ImapMessage imap -> observation.email().identity();
        };
    }

    static String identity(JmapEmail ref) {
        return "jmap:" + ref.id();
    }

    static List<String> sorted(Collection<Keyword> keywords) {
        return keywords.stream().map(Keyword::value).sorted().toList();
    }

    /** In an IMAP mailbox a UID names one message; the UID 0 of JMAP's emails and of labels names none. */
    private static boolean holdsOneEmail(Place place) {
        return place.uid() > 0;
    }

    private EmailEntry enter(ObservedEmail email, Optional<String> identity) {
        UUID id = ids.get();
        EmailEntry entry = EmailEntry.fresh(id, email, identity, threads.threadOf(email));
        entries.put(id, entry);
        identity.ifPresent(name -> byIdentity.put(name, entry));
        return entry;
    }

    /** The server's own name for it, else its place, else an email without a mailbox that looks the same. */
    private EmailEntry find(ObservedEmail email, UUID mailbox, ImapMessage message) {
        Optional<String> identity = email.identity();
        EmailEntry named = identity.map(byIdentity::get).orElse(null);
        if (named != null) {
            return named;
        }
        EmailEntry there = at(mailbox, message);
        if (there != null && there.agreesWith(identity)) {
            return there;
        }
        Fingerprint fingerprint = Fingerprint.of(email);
        Deque<EmailEntry> alike = unlinked.get(fingerprint);
        if (alike == null || !fingerprint.tellsApart()) {
            return null;
        }
        Optional<EmailEntry> found = alike.stream()
                .filter(entry -> entry.isUnlinked() && entry.agreesWith(identity))
                .findFirst();
        found.ifPresent(alike::remove);
        return found.orElse(null);
    }

    private EmailEntry at(UUID mailbox, ImapMessage message) {
        Place place = new Place(mailbox, message.uid());
        EmailEntry entry = byPlace.get(place);
        return entry != null && entry.links().get(place).uidValidity() == message.uidValidity() ? entry : null;
    }

    private void place(
            EmailEntry entry, EmailRef ref, Set<UUID> mailboxes, Set<Keyword> keywords, Optional<Long> modSeq) {
        List<String> sorted = sorted(keywords);
        switch (ref) {
            case JmapEmail jmap -> entry.label(mailboxes, new Link(0, Optional.empty(), sorted));
            case ImapMessage message -> {
                UUID home = mailboxes.iterator().next();
                Set<UUID> labels = new LinkedHashSet<>(mailboxes);
                labels.remove(home);
                entry.label(labels, new Link(0, Optional.empty(), sorted));
                Place place = new Place(home, message.uid());
                EmailEntry occupant = byPlace.get(place);
                if (occupant != null && occupant != entry) {
                    // A UID holds one message: whoever lay there has gone.
                    unlink(occupant, place);
                }
                byPlace.put(place, entry);
                entry.link(place, new Link(message.uidValidity(), modSeq, sorted));
            }
        }
    }

    private void unlink(EmailEntry entry, Place place) {
        byPlace.remove(place);
        entry.unlink(place);
        if (holdsOneEmail(place) && entry.links().keySet().stream().noneMatch(EmailSet::holdsOneEmail)) {
            // It was in other mailboxes by lying here.
            entry.unlabel();
        }
        if (entry.isUnlinked()) {
            unlinked.computeIfAbsent(entry.fingerprint(), key -> new ArrayDeque<>())
                    .add(entry);
        }
    }

    /** The ids of emails that have ceased to be. */
    List<UUID> destroyed() {
        List<UUID> gone = new ArrayList<>();
        for (EmailEntry entry : entries()) {
            if (entry.isDestroyed()) {
                gone.add(entry.id());
            }
        }
        return gone;
    }
}
