package org.postbus.devstack.james;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.james.core.Username;
import org.apache.james.mailbox.MailboxSession;
import org.apache.james.mailbox.model.MessageId;
import org.apache.james.mailbox.model.ThreadId;
import org.apache.james.mailbox.store.mail.ThreadIdGuessingAlgorithm;
import org.apache.james.mailbox.store.mail.model.MimeMessageId;
import org.apache.james.mailbox.store.mail.model.Subject;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Assigns threads by a map of message ids: messages with a common id in Message-ID, In-Reply-To and References are one thread, whatever
 * their subjects. Ids of deleted messages are kept; the server runs only as long as a test.
 */
public final class IndexedThreads implements ThreadIdGuessingAlgorithm {
    private final Map<Reference, ThreadId> threads = new HashMap<>();
    private final Map<ThreadId, List<MessageId>> messages = new HashMap<>();

    private record Reference(Username user, MimeMessageId id) {}

    @Override
    public Mono<ThreadId> guessThreadIdReactive(
            MessageId messageId,
            Optional<MimeMessageId> mimeMessageId,
            Optional<MimeMessageId> inReplyTo,
            Optional<List<MimeMessageId>> references,
            Optional<Subject> subject,
            MailboxSession session) {
        return Mono.fromSupplier(() -> thread(
                messageId,
                Stream.of(mimeMessageId.stream(), inReplyTo.stream(), references.stream().flatMap(List::stream))
                        .flatMap(ids -> ids)
                        .map(id -> new Reference(session.getUser(), id))
                        .toList()));
    }

    @Override
    public synchronized Flux<MessageId> getMessageIdsInThread(ThreadId threadId, MailboxSession session) {
        return Flux.fromIterable(List.copyOf(messages.getOrDefault(threadId, List.of())));
    }

    private synchronized ThreadId thread(MessageId messageId, List<Reference> references) {
        ThreadId thread = references.stream()
                .filter(threads::containsKey)
                .findFirst()
                .map(threads::get)
                .orElseGet(() -> ThreadId.fromBaseMessageId(messageId));
        references.forEach(reference -> threads.putIfAbsent(reference, thread));
        messages.computeIfAbsent(thread, id -> new ArrayList<>()).add(messageId);
        return thread;
    }
}
