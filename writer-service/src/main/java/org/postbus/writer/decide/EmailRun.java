package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.EmailRef;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Place;
import org.postbus.writer.table.EmailTable;

/** Consecutive observations about emails: what must be read before they can be applied, and their application. */
public final class EmailRun {
    private final MailboxTree mailboxes;
    private final Set<String> identities = new LinkedHashSet<>();
    private final Set<Place> places = new LinkedHashSet<>();
    private final Set<Fingerprint> fingerprints = new LinkedHashSet<>();
    private final Set<String> references = new HashSet<>();
    private final List<Consumer<EmailSet>> steps = new ArrayList<>();

    public EmailRun(MailboxTree mailboxes) {
        this.mailboxes = mailboxes;
    }

    public void add(EmailObserved observation) {
        Set<UUID> in = mailboxIds(observation.ref(), observation.mailboxes());
        name(observation.ref(), in);
        EmailSet.identity(observation).ifPresent(identities::add);
        if (observation.ref() instanceof ImapMessage) {
            fingerprints.add(Fingerprint.of(observation.email()));
        }
        references.addAll(Threads.references(observation.email()));
        steps.add(emails -> emails.observe(observation, in));
    }

    public void add(EmailStateObserved observation) {
        Set<UUID> in = mailboxIds(observation.ref(), observation.mailboxes());
        name(observation.ref(), in);
        steps.add(emails -> emails.observe(observation, in));
    }

    public void add(EmailsDestroyed observation) {
        observation.jmapIds().forEach(id -> identities.add(EmailSet.identity(new JmapEmail(id))));
        steps.add(emails -> emails.destroy(observation));
    }

    public void add(JmapIdsReassigned observation) {
        observation.newIds().forEach((before, now) -> {
            identities.add(EmailSet.identity(new JmapEmail(before)));
            identities.add(EmailSet.identity(new JmapEmail(now)));
        });
        steps.add(emails -> emails.rename(observation));
    }

    public boolean isEmpty() {
        return steps.isEmpty();
    }

    public EmailTable.Keys keys() {
        return new EmailTable.Keys(identities, places, fingerprints);
    }

    /** What the emails' threads are looked up by. */
    public Set<String> references() {
        return references;
    }

    public void applyTo(EmailSet emails) {
        steps.forEach(step -> step.accept(emails));
    }

    private void name(EmailRef ref, Set<UUID> in) {
        switch (ref) {
            case JmapEmail jmap -> identities.add(EmailSet.identity(jmap));
            case ImapMessage message -> places.add(new Place(in.iterator().next(), message.uid()));
        }
    }

    /** IMAP: first the mailbox that the ref names. */
    private Set<UUID> mailboxIds(EmailRef ref, Set<MailboxKey> keys) {
        return switch (ref) {
            case JmapEmail jmap -> {
                Map<UUID, Boolean> ids = new LinkedHashMap<>();
                keys.stream().sorted().forEach(key -> ids.put(mailboxes.idOf(key), true));
                yield ids.keySet();
            }
            case ImapMessage message -> {
                UUID home = mailboxes.idOf(message.mailbox());
                if (keys.size() <= 1) {
                    yield Set.of(home);
                }
                Set<UUID> ids = new LinkedHashSet<>(List.of(home));
                keys.stream().sorted().forEach(key -> ids.add(mailboxes.idOf(key)));
                yield ids;
            }
        };
    }
}
