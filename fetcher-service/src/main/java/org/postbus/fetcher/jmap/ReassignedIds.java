package org.postbus.fetcher.jmap;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.postbus.mail.jmap.method.JmapMethod.EmailMarks;

/**
 * Recognises emails that a server destroyed and created again with other ids (RFC 8621 section 3): by their blob; else, because the blob may have
 * another id too, by Message-ID, size and time of receipt, where exactly one destroyed and one created email have these. Of the created emails it
 * keeps only those that may match.
 */
final class ReassignedIds {
    private final Map<String, Deque<String>> byBlob = new HashMap<>();
    private final Map<Fingerprint, List<String>> destroyed = new HashMap<>();
    private final Map<Fingerprint, List<String>> created = new LinkedHashMap<>();
    private final Map<String, String> newIds = new LinkedHashMap<>();

    /** The time in whole seconds, because some servers keep no fractions. */
    private record Fingerprint(String messageId, long size, long receivedAtSecond) {
        static Optional<Fingerprint> of(EmailMarks email) {
            return email.messageId()
                    .flatMap(messageId -> email.receivedAt()
                            .map(Instant::getEpochSecond)
                            .map(second -> new Fingerprint(messageId, email.size(), second)));
        }
    }

    void destroyed(Collection<EmailMarks> emails) {
        for (EmailMarks email : emails) {
            email.blobId()
                    .ifPresent(blob -> byBlob.computeIfAbsent(blob, unused -> new ArrayDeque<>(1))
                            .add(email.id()));
            Fingerprint.of(email)
                    .ifPresent(fingerprint -> destroyed
                            .computeIfAbsent(fingerprint, unused -> new ArrayList<>(1))
                            .add(email.id()));
        }
    }

    /** To be called after {@link #destroyed} has been called for all. */
    void created(Collection<EmailMarks> emails) {
        for (EmailMarks email : emails) {
            Optional<String> oldId = email.blobId().map(byBlob::get).map(Deque::poll);
            if (oldId.isPresent()) {
                newIds.put(oldId.get(), email.id());
            } else {
                Fingerprint.of(email)
                        .filter(destroyed::containsKey)
                        .ifPresent(fingerprint -> created.computeIfAbsent(fingerprint, unused -> new ArrayList<>())
                                .add(email.id()));
            }
        }
    }

    boolean isNoneDestroyed() {
        return byBlob.isEmpty() && destroyed.isEmpty();
    }

    /** The new ids, by old id. */
    Map<String, String> newIds() {
        created.forEach((fingerprint, ids) -> {
            List<String> oldIds = destroyed.get(fingerprint).stream()
                    .filter(id -> !newIds.containsKey(id))
                    .toList();
            if (oldIds.size() == 1 && ids.size() == 1) {
                newIds.put(oldIds.getFirst(), ids.getFirst());
            }
        });
        return newIds;
    }
}
