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
 * Decides which thread an email belongs to. If the server has thread ids, they decide. Otherwise two emails belong to one thread if they
 * have a message id in common (their own, In-Reply-To or References) and equal base subjects (RFC 8621 section 3). Threads are the connected
 * components of that relation. An email without any message id is a thread of its own.
 *
 * <p>A reference is therefore a message id together with a base subject, and an email belongs to the thread of each of its references. If
 * these are different threads, they are joined into the oldest one, so that the result does not depend on the order in which emails arrive.
 */
public final class Threads {
    /** Prefix of references that are made of the server's thread id. */
    private static final String SERVER = "thread:";

    private static final int HASH_BYTES = 16;
    /** Thread ids are UUIDv7, so the smallest is the oldest. Compared as text, because UUID.compareTo compares signed numbers. */
    private static final Comparator<UUID> OLDEST = Comparator.comparing(UUID::toString);

    private final Supplier<UUID> ids;
    private final Map<String, UUID> threadByReference;
    private final Set<UUID> stored;
    private final Map<String, UUID> added = new LinkedHashMap<>();
    private final Map<UUID, UUID> joined = new LinkedHashMap<>();

    /** @param stored rows of {@code thread_reference} for all references of the emails in question */
    public Threads(Map<String, UUID> stored, Supplier<UUID> ids) {
        this.ids = ids;
        this.threadByReference = new HashMap<>(stored);
        this.stored = new HashSet<>(stored.values());
    }

    /** The thread for now: a later email may join it into an older one, see {@link #current}. */
    UUID threadOf(ObservedEmail email) {
        Set<String> references = references(email);
        List<UUID> threads = references.stream()
                .map(threadByReference::get)
                .filter(Objects::nonNull)
                .map(this::current)
                .distinct()
                .sorted(OLDEST)
                .toList();
        UUID thread = threads.isEmpty() ? ids.get() : threads.getFirst();
        threads.stream().skip(1).forEach(younger -> joined.put(younger, thread));
        for (String reference : references) {
            if (threadByReference.putIfAbsent(reference, thread) == null) {
                added.put(reference, thread);
            }
        }
        return thread;
    }

    /** The thread into which this one has been joined, or the thread itself. */
    UUID current(UUID thread) {
        UUID now = thread;
        for (UUID next = joined.get(now); next != null; next = joined.get(now)) {
            now = next;
        }
        return now;
    }

    /** References that are not stored yet, with their threads. */
    Map<String, UUID> newReferences() {
        Map<String, UUID> now = new LinkedHashMap<>();
        added.forEach((reference, thread) -> now.put(reference, current(thread)));
        return now;
    }

    /** Stored threads that have been joined into older ones: the older thread by the younger one. */
    public Map<UUID, UUID> joined() {
        Map<UUID, UUID> now = new LinkedHashMap<>();
        joined.keySet().stream().filter(stored::contains).forEach(thread -> now.put(thread, current(thread)));
        return now;
    }

    static Set<String> references(ObservedEmail email) {
        if (email.serverThread().isPresent()) {
            return Set.of(SERVER + Fingerprint.cut(email.serverThread().get().value()));
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

    /** A hash, because a sender chooses the length of a message id and an index entry has room for about 2700 bytes. */
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
