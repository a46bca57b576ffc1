package org.postbus.writer.decide;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.postbus.model.EmailHeaders;
import org.postbus.observation.ObservedEmail;
import org.postbus.writer.decide.StoredEmail.Fingerprint;

/**
 * Which thread an email belongs to. Where the server has thread ids, its. Else two emails are of one thread if a message id that the one
 * names (its own, In-Reply-To, References) is named by the other and their base subjects are equal (RFC 8621 section 3), and so are all that
 * are connected by such pairs. An email without any id is a thread of its own.
 *
 * <p>A reference is therefore a message id under a base subject, and an email belongs to all of its references. If they were of several
 * threads, these become one, the oldest; so the threads do not depend on the order in which the emails came.
 */
public final class Threads {
    private static final String SERVER = "thread:";
    private static final int HASH_BYTES = 16;
    /** A thread's id is a UUIDv7, so the smallest is the oldest. As text: UUID.compareTo compares signed numbers. */
    private static final Comparator<UUID> OLDEST = Comparator.comparing(UUID::toString);

    private final Supplier<UUID> ids;
    private final Map<String, UUID> known;
    private final Set<UUID> stored;
    private final Map<String, UUID> learnt = new LinkedHashMap<>();
    private final Map<UUID, UUID> joined = new LinkedHashMap<>();

    /** @param stored rows of {@code thread_reference} for all references of the emails in question */
    public Threads(Map<String, UUID> stored, Supplier<UUID> ids) {
        this.ids = ids;
        this.known = new HashMap<>(stored);
        this.stored = new HashSet<>(stored.values());
    }

    /** The thread so far: a later email may join it into an older one. */
    UUID threadOf(ObservedEmail email) {
        Set<String> references = references(email);
        List<UUID> threads = references.stream()
                .map(known::get)
                .filter(Objects::nonNull)
                .map(this::current)
                .distinct()
                .sorted(OLDEST)
                .toList();
        UUID thread = threads.isEmpty() ? ids.get() : threads.getFirst();
        threads.stream().skip(1).forEach(younger -> joined.put(younger, thread));
        for (String reference : references) {
            if (known.putIfAbsent(reference, thread) == null) {
                learnt.put(reference, thread);
            }
        }
        return thread;
    }

    /** What a thread is now. */
    UUID current(UUID thread) {
        UUID now = thread;
        for (UUID next = joined.get(now); next != null; next = joined.get(now)) {
            now = next;
        }
        return now;
    }

    /** References that are not stored yet. */
    public Map<String, UUID> learnt() {
        Map<String, UUID> now = new LinkedHashMap<>();
        learnt.forEach((reference, thread) -> now.put(reference, current(thread)));
        return now;
    }

    /** Threads that were stored and are not any more, and what each is now. */
    public Map<UUID, UUID> joined() {
        Map<UUID, UUID> now = new LinkedHashMap<>();
        joined.keySet().stream().filter(stored::contains).forEach(thread -> now.put(thread, current(thread)));
        return now;
    }

    static Set<String> references(ObservedEmail email) {
        if (email.serverThread().isPresent()) {
            return Set.of(SERVER + Fingerprint.cut(email.serverThread().get()));
        }
        EmailHeaders headers = email.headers();
        Set<String> messageIds = new LinkedHashSet<>();
        for (List<String> list : List.of(headers.messageId(), headers.inReplyTo(), headers.references())) {
            list.stream().filter(messageId -> !messageId.isBlank()).forEach(messageIds::add);
        }
        Set<String> references = new LinkedHashSet<>();
        if (!messageIds.isEmpty()) {
            byte[] subject = BaseSubject.of(headers.subject().orElse("")).getBytes(StandardCharsets.UTF_8);
            messageIds.forEach(messageId -> references.add(reference(subject, messageId)));
        }
        return references;
    }

    /** Of fixed length: a message id is a stranger's text, and an index entry has room for about 2700 bytes. */
    private static String reference(byte[] baseSubject, String messageId) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(baseSubject);
            digest.update((byte) 0);
            byte[] hash = digest.digest(messageId.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, HASH_BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
