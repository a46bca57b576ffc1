package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.EmailRef;
import org.postbus.observation.EmailRef.ImapMessage;
import org.postbus.observation.EmailRef.JmapEmail;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.Observation.EmailObserved;
import org.postbus.observation.Observation.EmailStateObserved;
import org.postbus.observation.Observation.EmailsDestroyed;
import org.postbus.observation.Observation.JmapIdsReassigned;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * Consecutive observations about emails. Collects what must be read from the database before they can be applied, so that it is read in a
 * fixed number of statements, and then applies them in their order.
 */
public final class EmailRun {
    private final MailboxTree mailboxes;
    private final Set<EmailIdentity> identities = new LinkedHashSet<>();
    private final Set<Location> locations = new LinkedHashSet<>();
    private final Set<Fingerprint> fingerprints = new LinkedHashSet<>();
    private final Set<String> references = new HashSet<>();
    private final List<Consumer<EmailSet>> steps = new ArrayList<>();

    /** @param mailboxes enters mailboxes that an observation names and that have not been observed yet */
    public EmailRun(MailboxTree mailboxes) {
        this.mailboxes = mailboxes;
    }

    public void add(EmailObserved observation) {
        Set<UUID> in = mailboxIds(observation.ref(), observation.mailboxes());
        addKey(observation.ref(), in);
        EmailSet.identity(observation).ifPresent(identities::add);
        if (observation.ref() instanceof ImapMessage) {
            fingerprints.add(Fingerprint.of(observation.email()));
        }
        references.addAll(Threads.references(observation.email()));
        steps.add(emails -> emails.observe(observation, in));
    }

    public void add(EmailStateObserved observation) {
        Set<UUID> in = mailboxIds(observation.ref(), observation.mailboxes());
        addKey(observation.ref(), in);
        steps.add(emails -> emails.observe(observation, in));
    }

    public void add(EmailsDestroyed observation) {
        observation.jmapIds().forEach(id -> identities.add(new EmailIdentity.Jmap(id)));
        steps.add(emails -> emails.destroy(observation));
    }

    public void add(JmapIdsReassigned observation) {
        observation.newIds().forEach((before, now) -> {
            identities.add(new EmailIdentity.Jmap(before));
            identities.add(new EmailIdentity.Jmap(now));
        });
        steps.add(emails -> emails.reassign(observation));
    }

    public boolean isEmpty() {
        return steps.isEmpty();
    }

    public EmailKeys keys() {
        return new EmailKeys(identities, locations, fingerprints);
    }

    /** Keys of {@code thread_reference} by which the emails' threads are found. */
    public Set<String> references() {
        return references;
    }

    /** @param emails holds every stored email that has one of the {@link #keys} */
    public void applyTo(EmailSet emails) {
        steps.forEach(step -> step.accept(emails));
    }

    private void addKey(EmailRef ref, Set<UUID> in) {
        switch (ref) {
            case JmapEmail jmap -> identities.add(new EmailIdentity.Jmap(jmap.id()));
            case ImapMessage message -> locations.add(new Location(in.iterator().next(), message.uid()));
        }
    }

    /** For IMAP the first is the mailbox that the ref names. */
    private Set<UUID> mailboxIds(EmailRef ref, Set<MailboxKey> keys) {
        return switch (ref) {
            case JmapEmail jmap -> {
                Set<UUID> ids = new LinkedHashSet<>();
                keys.stream().sorted().forEach(key -> ids.add(mailboxes.idOf(key)));
                yield ids;
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
