package org.postbus.writer;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.event.ObservedEmail;
import org.postbus.model.EmailHeaders;
import org.postbus.writer.StoredEmail.Fingerprint;

/**
 * Which thread an email belongs to: the one of the server's thread id, else the oldest that any of its message ids (its own,
 * In-Reply-To, References) is known to belong to, else a new one. An email without any id is a thread of its own.
 */
final class Threads {
    private static final String SERVER = "thread:";
    private static final String MESSAGE = "message:";

    private final Supplier<UUID> ids;
    private final Map<String, UUID> known;
    private final Map<String, UUID> learnt = new LinkedHashMap<>();

    /** @param stored rows of {@code thread_reference} for all references of the emails in question */
    Threads(Map<String, UUID> stored, Supplier<UUID> ids) {
        this.ids = ids;
        this.known = new HashMap<>(stored);
    }

    UUID threadOf(ObservedEmail email) {
        Set<String> references = references(email);
        // A thread's id is a UUIDv7, so the smallest is the oldest. As text: UUID.compareTo compares signed numbers.
        Optional<UUID> oldest = references.stream()
                .map(known::get)
                .filter(Objects::nonNull)
                .min((one, other) -> one.toString().compareTo(other.toString()));
        UUID thread = oldest.orElseGet(ids);
        for (String reference : references) {
            if (known.putIfAbsent(reference, thread) == null) {
                learnt.put(reference, thread);
            }
        }
        return thread;
    }

    /** References that are not stored yet. */
    Map<String, UUID> learnt() {
        return learnt;
    }

    static Set<String> references(ObservedEmail email) {
        Set<String> references = new LinkedHashSet<>();
        if (email.serverThread().isPresent()) {
            references.add(SERVER + Fingerprint.cut(email.serverThread().get()));
            return references;
        }
        EmailHeaders headers = email.headers();
        for (var list : java.util.List.of(headers.messageId(), headers.inReplyTo(), headers.references())) {
            for (String messageId : list) {
                if (!messageId.isBlank()) {
                    references.add(MESSAGE + Fingerprint.cut(messageId));
                }
            }
        }
        return references;
    }
}
