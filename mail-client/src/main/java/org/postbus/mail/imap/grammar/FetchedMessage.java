package org.postbus.mail.imap.grammar;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * One FETCH response about one message. A requested item may be absent: servers leave items out, and an item that
 * could not be parsed is in {@code unparsed} instead. The arrays are not copied and must not be changed.
 *
 * @param uid 1 to 4294967295
 * @param size RFC822.SIZE in octets
 * @param modSeq greater than 0; empty where the server sends 0 or less
 * @param header the raw header, octet by octet
 * @param body the raw message or its start, whichever was requested; empty also for {@code NIL}, which servers send
 *     when the message is gone
 * @param unparsed values by item name in upper case that could not be understood or were not requested
 */
public record FetchedMessage(
        long uid,
        Optional<Set<ImapFlag>> flags,
        Optional<Instant> internalDate,
        OptionalLong size,
        OptionalLong modSeq,
        Optional<String> emailId,
        Optional<String> threadId,
        Optional<Gmail> gmail,
        Optional<byte[]> header,
        Optional<byte[]> body,
        Optional<BodyStructure> bodyStructure,
        Map<String, byte[]> unparsed) {

    /** About how many bytes of memory it takes. */
    public long bytes() {
        long bytes = 400 + 64L * flags.map(Set::size).orElse(0);
        bytes += header.map(octets -> octets.length).orElse(0);
        bytes += body.map(octets -> octets.length).orElse(0);
        bytes += bodyStructure.map(BodyStructure::bytes).orElse(0L);
        bytes += gmail.flatMap(Gmail::labels)
                .map(labels ->
                        labels.stream().mapToLong(label -> 80 + label.length()).sum())
                .orElse(0L);
        for (byte[] value : unparsed.values()) {
            bytes += 100 + value.length;
        }
        return bytes;
    }

    /** The same message with what another response says of it; where both say something, the later one is right. */
    public FetchedMessage and(FetchedMessage later) {
        Map<String, byte[]> either = new LinkedHashMap<>(unparsed);
        either.putAll(later.unparsed);
        return new FetchedMessage(
                uid,
                later.flags.or(() -> flags),
                later.internalDate.or(() -> internalDate),
                later.size.isPresent() ? later.size : size,
                later.modSeq.isPresent() ? later.modSeq : modSeq,
                later.emailId.or(() -> emailId),
                later.threadId.or(() -> threadId),
                later.gmail.or(() -> gmail),
                later.header.or(() -> header),
                later.body.or(() -> body),
                later.bodyStructure.or(() -> bodyStructure),
                Collections.unmodifiableMap(either));
    }

    /**
     * @param messageId X-GM-MSGID, an unsigned 64-bit number in decimal
     * @param threadId X-GM-THRID, likewise
     * @param labels X-GM-LABELS, raw: {@code \Inbox}, or modified UTF-7
     */
    public record Gmail(Optional<String> messageId, Optional<String> threadId, Optional<Set<String>> labels) {}
}
