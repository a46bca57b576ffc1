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
 * Finds emails again that a server destroyed and created under other ids (RFC 8621 section 3): by their blob; else, for the blob
 * may be another one too, by Message-ID, size and time of receipt, where exactly one of the destroyed and one of the created
 * have these. Keeps of the created ones those only that may be meant.
 */
final class ReassignedIds {
    private final Map<String, Deque<String>> byBlob = new HashMap<>();
    private final Map<Likeness, List<String>> destroyed = new HashMap<>();
    private final Map<Likeness, List<String>> created = new LinkedHashMap<>();
    private final Map<String, String> newIds = new LinkedHashMap<>();

    /** The time in whole seconds: some servers keep no more. */
    private record Likeness(String messageId, long size, long receivedAtSecond) {
        static Optional<Likeness> of(EmailMarks email) {
            return email.messageId()
                    .flatMap(messageId -> email.receivedAt()
                            .map(Instant::getEpochSecond)
                            .map(second -> new Likeness(messageId, email.size(), second)));
        }
    }

    void destroyed(Collection<EmailMarks> emails) {
        for (EmailMarks email : emails) {
            email.blobId()
                    .ifPresent(blob -> byBlob.computeIfAbsent(blob, unused -> new ArrayDeque<>(1))
                            .add(email.id()));
            Likeness.of(email)
                    .ifPresent(likeness -> destroyed
                            .computeIfAbsent(likeness, unused -> new ArrayList<>(1))
                            .add(email.id()));
        }
    }

    /** After all that were destroyed. */
    void created(Collection<EmailMarks> emails) {
        for (EmailMarks email : emails) {
            Optional<String> oldId = email.blobId().map(byBlob::get).map(Deque::poll);
            if (oldId.isPresent()) {
                newIds.put(oldId.get(), email.id());
            } else {
                Likeness.of(email)
                        .filter(destroyed::containsKey)
                        .ifPresent(likeness -> created.computeIfAbsent(likeness, unused -> new ArrayList<>())
                                .add(email.id()));
            }
        }
    }

    boolean isNoneDestroyed() {
        return byBlob.isEmpty() && destroyed.isEmpty();
    }

    /** By old id the new one. */
    Map<String, String> newIds() {
        created.forEach((likeness, ids) -> {
            List<String> oldIds = destroyed.get(likeness).stream()
                    .filter(id -> !newIds.containsKey(id))
                    .toList();
            if (oldIds.size() == 1 && ids.size() == 1) {
                newIds.put(oldIds.getFirst(), ids.getFirst());
            }
        });
        return newIds;
    }
}
