package org.postbus.writer.decide;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.postbus.model.Keyword;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/** One email while a run of observations changes it: the stored state, if there is one, and the current state. */
final class EmailEntry {
    private static final String SEEN = Keyword.SEEN.value();

    private final Optional<StoredEmail> stored;
    private final Optional<ObservedEmail> observed;
    private final UUID id;
    private final Fingerprint fingerprint;
    private final Map<Location, Link> links;
    private Optional<EmailIdentity> identity;
    private UUID threadId;
    private Optional<String> blobId;
    private boolean destroyed;

    private EmailEntry(
            UUID id, Optional<StoredEmail> stored, Optional<ObservedEmail> observed, Fingerprint fingerprint) {
        this.id = id;
        this.stored = stored;
        this.observed = observed;
        this.fingerprint = fingerprint;
        this.links = new LinkedHashMap<>(stored.map(StoredEmail::links).orElse(Map.of()));
    }

    static EmailEntry stored(StoredEmail email) {
        EmailEntry entry = new EmailEntry(email.id(), Optional.of(email), Optional.empty(), email.fingerprint());
        entry.identity = email.identity();
        entry.threadId = email.threadId();
        entry.blobId = email.blobId();
        return entry;
    }

    /** An email that is observed for the first time. */
    static EmailEntry created(UUID id, ObservedEmail email, Optional<EmailIdentity> identity, UUID threadId) {
        EmailEntry entry = new EmailEntry(id, Optional.empty(), Optional.of(email), Fingerprint.of(email));
        entry.identity = identity;
        entry.threadId = threadId;
        entry.blobId = email.blobId();
        return entry;
    }

    UUID id() {
        return id;
    }

    /** Empty if it is observed for the first time. */
    Optional<StoredEmail> stored() {
        return stored;
    }

    /** Empty if it is stored. */
    Optional<ObservedEmail> observed() {
        return observed;
    }

    Fingerprint fingerprint() {
        return fingerprint;
    }

    Optional<EmailIdentity> identity() {
        return identity;
    }

    UUID threadId() {
        return threadId;
    }

    void joinThread(UUID thread) {
        threadId = thread;
    }

    Optional<String> blobId() {
        return blobId;
    }

    /** A server may change its blob id for the same octets, for example together with the email's id. */
    void setBlobId(String blobId) {
        this.blobId = Optional.of(blobId);
    }

    Map<Location, Link> links() {
        return links;
    }

    boolean isDestroyed() {
        return destroyed;
    }

    /** In no mailbox, and not destroyed. */
    boolean isUnlinked() {
        return links.isEmpty() && !destroyed;
    }

    /** Not stored, and not on the server any more: nothing is written or emitted for it. */
    boolean isTransient() {
        return stored.isEmpty() && links.isEmpty();
    }

    /** Takes over the server's identity for an email that was stored without one. */
    boolean adopt(Optional<EmailIdentity> observedIdentity) {
        if (observedIdentity.isEmpty() || identity.equals(observedIdentity)) {
            return false;
        }
        if (identity.isPresent()) {
            throw new IllegalStateException("an email has one identity");
        }
        identity = observedIdentity;
        return true;
    }

    /** The server has reassigned its id. */
    void reassign(EmailIdentity newIdentity) {
        identity = Optional.of(newIdentity);
    }

    /** Whether an observed email with this identity can be this one. */
    boolean agreesWith(Optional<EmailIdentity> observedIdentity) {
        return observedIdentity.isEmpty() || identity.isEmpty() || identity.equals(observedIdentity);
    }

    void link(Location location, Link link) {
        links.put(location, link);
    }

    void unlink(Location location) {
        links.remove(location);
    }

    /** Sets the mailboxes that contain it without a UID: these and no others. */
    void label(Set<UUID> mailboxes, Link link) {
        links.keySet().removeIf(location -> !location.holdsOneEmail() && !mailboxes.contains(location.mailboxId()));
        mailboxes.forEach(mailbox -> links.put(new Location(mailbox, 0), link));
    }

    void removeLabels() {
        links.keySet().removeIf(location -> !location.holdsOneEmail());
    }

    void destroy() {
        destroyed = true;
        links.clear();
    }

    /**
     * Keywords belong to an email in RFC 8621, and to a message in a mailbox in IMAP. Where the locations differ, an email has
     * {@code $seen} if all locations have it, and every other keyword that at least one location has; the result does not depend on the
     * order of the observations. An email that is in no mailbox keeps its stored keywords.
     */
    List<String> keywords() {
        if (links.isEmpty()) {
            return stored.map(StoredEmail::keywords).orElse(List.of());
        }
        if (links.size() == 1) {
            return links.values().iterator().next().keywords();
        }
        TreeSet<String> keywords = new TreeSet<>();
        links.values().forEach(link -> keywords.addAll(link.keywords()));
        if (!links.values().stream().allMatch(link -> link.keywords().contains(SEEN))) {
            keywords.remove(SEEN);
        }
        return List.copyOf(keywords);
    }
}
