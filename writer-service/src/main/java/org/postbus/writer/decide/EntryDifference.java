package org.postbus.writer.decide;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
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
import org.postbus.writer.decide.EmailDifference.CreatedEmail;
import org.postbus.writer.decide.EmailDifference.LinkKey;
import org.postbus.writer.decide.EmailDifference.LinkRow;
import org.postbus.writer.decide.EmailDifference.UpdatedEmail;
import org.postbus.writer.decide.StoredEmail.Link;
import org.postbus.writer.decide.StoredEmail.Location;

/**
 * One email's stored state compared with its current one: the rows to write and the change to emit.
 *
 * <p>That an email lost its last mailbox is not emitted. Subscribers learn of it when it is found again in another mailbox, as one
 * {@link EmailUpdated}, or when it is destroyed; until then they see the mailboxes it was in before.
 */
final class EntryDifference {
    private final EmailEntry entry;
    private final Optional<StoredEmail> stored;
    private final Map<Location, Link> links;
    private final List<String> keywords;

    EntryDifference(EmailEntry entry) {
        this.entry = entry;
        this.stored = entry.stored();
        this.links = entry.links();
        this.keywords = entry.keywords();
    }

    /** Empty if it is stored. */
    Optional<CreatedEmail> created() {
        return entry.observed()
                .map(observed -> new CreatedEmail(
                        entry.id(),
                        entry.identity(),
                        entry.threadId(),
                        entry.blobId(),
                        keywords,
                        entry.fingerprint(),
                        observed));
    }

    /**
     * Empty if it is not stored or its row stays as it is.
     *
     * @param pass the number that is stored if it has lost its last mailbox now
     */
    Optional<UpdatedEmail> updated(long pass) {
        return stored.filter(this::isRowChanged)
                .map(before -> new UpdatedEmail(
                        entry.id(),
                        entry.identity(),
                        entry.threadId(),
                        entry.blobId(),
                        keywords,
                        links.isEmpty() ? Optional.of(before.unlinkedPass().orElse(pass)) : Optional.empty(),
                        links.isEmpty() ? Optional.of(emittedMailboxIds(before)) : Optional.empty()));
    }

    private boolean isRowChanged(StoredEmail before) {
        return !before.identity().equals(entry.identity())
                || !before.keywords().equals(keywords)
                || !before.threadId().equals(entry.threadId())
                || !before.blobId().equals(entry.blobId())
                || before.unlinkedPass().isPresent() != links.isEmpty();
    }

    /** Links that are new or differ from the stored ones. */
    List<LinkRow> linked() {
        List<LinkRow> rows = new ArrayList<>();
        links.forEach((location, link) -> {
            Link before = stored.map(email -> email.links().get(location)).orElse(null);
            Optional<List<String>> own = differing(link, keywords);
            boolean same = before != null
                    && before.uidValidity() == link.uidValidity()
                    && before.modSeq().equals(link.modSeq())
                    && own.equals(differing(before, stored.get().keywords()));
            if (!same) {
                rows.add(new LinkRow(
                        entry.id(), location, link, own, entry.fingerprint().receivedAt()));
            }
        });
        return rows;
    }

    /** A link's keywords where they are not the email's. */
    private static Optional<List<String>> differing(Link link, List<String> ofTheEmail) {
        return link.keywords().equals(ofTheEmail) ? Optional.empty() : Optional.of(link.keywords());
    }

    /** Stored links that are gone. */
    List<LinkKey> unlinked() {
        return stored.map(email -> email.links().keySet().stream()
                        .filter(location -> !links.containsKey(location))
                        .map(location -> new LinkKey(entry.id(), location))
                        .toList())
                .orElse(List.of());
    }

    /** Empty if subscribers would see no difference. */
    Optional<Change> change() {
        if (entry.isDestroyed()) {
            return stored.map(email -> new EmailDestroyed(new EmailId(entry.id())));
        }
        if (entry.isTransient()) {
            return Optional.empty();
        }
        if (stored.isEmpty()) {
            return Optional.of(new EmailCreated(email()));
        }
        StoredEmail before = stored.get();
        Optional<Changed<Map<Keyword, Boolean>>> keywordsChanged =
                changed(keywordMap(before.keywords()), keywordMap(keywords));
        Optional<Changed<Map<MailboxId, Boolean>>> mailboxesChanged =
                changed(mailboxMap(emittedMailboxIds(before)), mailboxMap(mailboxIdsToEmit()));
        Optional<Changed<String>> threadChanged =
                changed(before.threadId().toString(), entry.threadId().toString());
        if (keywordsChanged.isEmpty() && mailboxesChanged.isEmpty() && threadChanged.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new EmailUpdated(email(), keywordsChanged, mailboxesChanged, threadChanged));
    }

    private Email email() {
        Optional<ObservedEmail> observed = entry.observed();
        EmailHeaders headers = observed.map(ObservedEmail::headers)
                .orElseGet(() -> stored.orElseThrow().content().headers());
        return new Email(
                new EmailId(entry.id()),
                entry.threadId().toString(),
                mailboxMap(mailboxIdsToEmit()),
                keywordMap(keywords),
                entry.fingerprint().size(),
                entry.fingerprint().receivedAt(),
                headers,
                observed.map(ObservedEmail::hasAttachment)
                        .orElseGet(() -> stored.orElseThrow().content().hasAttachment()),
                observed.map(ObservedEmail::preview)
                        .orElseGet(() -> stored.orElseThrow().content().preview()));
    }

    private Set<UUID> mailboxIdsToEmit() {
        return links.isEmpty() ? stored.map(EntryDifference::emittedMailboxIds).orElse(Set.of()) : mailboxIds(links);
    }

    /** The mailboxes that the email is in according to the change log. */
    private static Set<UUID> emittedMailboxIds(StoredEmail email) {
        return email.unlinkedPass().isPresent() ? email.unlinkedFrom() : mailboxIds(email.links());
    }

    private static Set<UUID> mailboxIds(Map<Location, Link> links) {
        return links.keySet().stream().map(Location::mailboxId).collect(Collectors.toCollection(LinkedHashSet::new));
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
