package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.postbus.change.ChangeEvent.Change;
import org.postbus.change.ChangeEvent.EmailCreated;
import org.postbus.change.ChangeEvent.EmailDestroyed;
import org.postbus.change.ChangeEvent.EmailUpdated;
import org.postbus.change.Changed;
import org.postbus.model.Email;
import org.postbus.model.EmailHeaders;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Place;

/** One email while a run of observations changes it: as it is stored, if it is, and as it will be. */
public final class EmailEntry {
    private static final String SEEN = Keyword.SEEN.value();

    private final Optional<StoredEmail> stored;
    private final Optional<ObservedEmail> fresh;
    private final UUID id;
    private final Fingerprint fingerprint;
    private final Map<Place, Link> links;
    private Optional<String> identity;
    private UUID threadId;
    private Optional<String> blobId;
    private boolean destroyed;

    private EmailEntry(
            Optional<StoredEmail> stored,
            Optional<ObservedEmail> fresh,
            UUID id,
            Fingerprint fingerprint,
            Map<Place, Link> links,
            Optional<String> identity,
            UUID threadId,
            Optional<String> blobId) {
        this.stored = stored;
        this.fresh = fresh;
        this.id = id;
        this.fingerprint = fingerprint;
        this.links = new LinkedHashMap<>(links);
        this.identity = identity;
        this.threadId = threadId;
        this.blobId = blobId;
    }

    static EmailEntry stored(StoredEmail email) {
        return new EmailEntry(
                Optional.of(email),
                Optional.empty(),
                email.id(),
                email.fingerprint(),
                email.links(),
                email.identity(),
                email.threadId(),
                email.blobId());
    }

    static EmailEntry fresh(UUID id, ObservedEmail email, Optional<String> identity, UUID threadId) {
        return new EmailEntry(
                Optional.empty(),
                Optional.of(email),
                id,
                Fingerprint.of(email),
                Map.of(),
                identity,
                threadId,
                email.blobId());
    }

    public UUID id() {
        return id;
    }

    public UUID threadId() {
        return threadId;
    }

    void goesOverTo(UUID thread) {
        threadId = thread;
    }

    public Optional<String> blobId() {
        return blobId;
    }

    /** The server may name the same octets differently after a while, and when it gives the email another id. */
    void hasBlob(String id) {
        blobId = Optional.of(id);
    }

    public Fingerprint fingerprint() {
        return fingerprint;
    }

    public Optional<String> identity() {
        return identity;
    }

    public Map<Place, Link> links() {
        return links;
    }

    /** Not stored yet. */
    public boolean isFresh() {
        return fresh.isPresent();
    }

    /** Only of a fresh one. */
    public ObservedEmail observed() {
        return fresh.orElseThrow();
    }

    public boolean isDestroyed() {
        return destroyed;
    }

    /** Stored without a mailbox, and not linked again since. */
    boolean isUnlinked() {
        return links.isEmpty() && !destroyed;
    }

    /** An email that was stored before its server had a name for it gets the name once it has one. */
    boolean adopt(Optional<String> observed) {
        if (observed.isEmpty() || identity.equals(observed)) {
            return false;
        }
        if (identity.isPresent()) {
            throw new IllegalStateException("an email has one identity");
        }
        identity = observed;
        return true;
    }

    /** The server has given it another name. */
    void rename(String name) {
        identity = Optional.of(name);
    }

    /** Whether what the server calls an observed email does not forbid that it is this one. */
    boolean agreesWith(Optional<String> observed) {
        return observed.isEmpty() || identity.isEmpty() || identity.equals(observed);
    }

    void link(Place place, Link link) {
        links.put(place, link);
    }

    void unlink(Place place) {
        links.remove(place);
    }

    /** From now on it is in these mailboxes, and no others, without a UID of its own there. */
    void label(Set<UUID> mailboxes, Link link) {
        links.keySet().removeIf(place -> place.uid() == 0 && !mailboxes.contains(place.mailboxId()));
        mailboxes.forEach(mailbox -> links.put(new Place(mailbox, 0), link));
    }

    void unlabel() {
        links.keySet().removeIf(place -> place.uid() == 0);
    }

    void destroy() {
        destroyed = true;
        links.clear();
    }

    /** Not stored and nowhere on the server any more: as if it had never been. */
    public boolean isNothing() {
        return stored.isEmpty() && links.isEmpty();
    }

    /**
     * RFC 8621 knows keywords per email, IMAP flags per message and mailbox. Where they differ an email is seen when it is seen
     * everywhere and has every other keyword that it has somewhere; so the result does not depend on the order of observation.
     * An email that lies nowhere keeps what the world last saw.
     */
    public List<String> keywords() {
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

    Set<UUID> mailboxIds() {
        return mailboxIds(links);
    }

    /** Links as they are to be stored that are not, or not so. */
    public List<Place> linksToStore() {
        List<String> keywords = keywords();
        List<Place> places = new ArrayList<>();
        links.forEach((place, link) -> {
            Link before = stored.map(email -> email.links().get(place)).orElse(null);
            boolean same = before != null
                    && before.uidValidity() == link.uidValidity()
                    && before.modSeq().equals(link.modSeq())
                    && differing(link, keywords)
                            .equals(differing(before, stored.get().keywords()));
            if (!same) {
                places.add(place);
            }
        });
        return places;
    }

    public List<Place> linksToDelete() {
        return stored.map(email -> email.links().keySet().stream()
                        .filter(place -> !links.containsKey(place))
                        .toList())
                .orElse(List.of());
    }

    /** A link's keywords where they are not the email's. */
    public static Optional<List<String>> differing(Link link, List<String> ofTheEmail) {
        return link.keywords().equals(ofTheEmail) ? Optional.empty() : Optional.of(link.keywords());
    }

    /** Whether the row of a stored email must be written. */
    public boolean rowChanged() {
        return stored.filter(email -> !email.identity().equals(identity)
                        || !email.keywords().equals(keywords())
                        || !email.threadId().equals(threadId)
                        || !email.blobId().equals(blobId)
                        || email.unlinkedPass().isPresent() != links.isEmpty())
                .isPresent();
    }

    /** The mailboxes that the world believes it is in while it is in none. */
    public Optional<Set<UUID>> unlinkedFrom() {
        return links.isEmpty() ? stored.map(EmailEntry::toldMailboxIds) : Optional.empty();
    }

    /** When it lost its last mailbox: {@code pass}, unless it had lost it before. */
    public Optional<Long> unlinkedPass(long pass) {
        return links.isEmpty()
                ? Optional.of(stored.flatMap(StoredEmail::unlinkedPass).orElse(pass))
                : Optional.empty();
    }

    /** What the world is to be told. That an email lost its last mailbox is told only when it is found again or destroyed. */
    public Optional<Change> change() {
        if (destroyed) {
            return stored.map(email -> new EmailDestroyed(new EmailId(id)));
        }
        if (isNothing()) {
            return Optional.empty();
        }
        if (stored.isEmpty()) {
            return Optional.of(new EmailCreated(email()));
        }
        StoredEmail before = stored.get();
        Optional<Changed<Map<Keyword, Boolean>>> keywordsChanged =
                changed(keywordMap(before.keywords()), keywordMap(keywords()));
        Optional<Changed<Map<MailboxId, Boolean>>> mailboxesChanged =
                changed(mailboxMap(toldMailboxIds(before)), mailboxMap(mailboxIdsToTell()));
        Optional<Changed<String>> threadChanged = changed(before.threadId().toString(), threadId.toString());
        if (keywordsChanged.isEmpty() && mailboxesChanged.isEmpty() && threadChanged.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new EmailUpdated(email(), keywordsChanged, mailboxesChanged, threadChanged));
    }

    private Email email() {
        EmailHeaders headers = fresh.map(ObservedEmail::headers)
                .orElseGet(() -> stored.orElseThrow().content().headers());
        return new Email(
                new EmailId(id),
                threadId.toString(),
                mailboxMap(mailboxIdsToTell()),
                keywordMap(keywords()),
                fingerprint.size(),
                fingerprint.receivedAt(),
                headers,
                fresh.map(ObservedEmail::hasAttachment)
                        .orElseGet(() -> stored.orElseThrow().content().hasAttachment()),
                fresh.map(ObservedEmail::preview)
                        .orElseGet(() -> stored.orElseThrow().content().preview()));
    }

    private Set<UUID> mailboxIdsToTell() {
        return links.isEmpty() ? stored.map(EmailEntry::toldMailboxIds).orElse(Set.of()) : mailboxIds();
    }

    private static Set<UUID> toldMailboxIds(StoredEmail email) {
        return email.unlinkedPass().isPresent() ? email.unlinkedFrom() : mailboxIds(email.links());
    }

    private static Set<UUID> mailboxIds(Map<Place, Link> links) {
        return links.keySet().stream().map(Place::mailboxId).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static <T> Optional<Changed<T>> changed(T before, T after) {
        return before.equals(after) ? Optional.empty() : Optional.of(new Changed<>(before, after));
    }

    private static Map<Keyword, Boolean> keywordMap(List<String> keywords) {
        Map<Keyword, Boolean> map = new TreeMap<>();
        keywords.forEach(keyword -> map.put(Keyword.of(keyword), true));
        return map;
    }

    private static Map<MailboxId, Boolean> mailboxMap(Set<UUID> mailboxes) {
        Map<MailboxId, Boolean> map = new TreeMap<>();
        mailboxes.forEach(mailbox -> map.put(new MailboxId(mailbox), true));
        return map;
    }
}
