package org.postbus.mail.imap.grammar;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What one FETCH response said about one message. An item that was asked for may be absent: servers leave items out, and
 * one that could not be parsed is among {@code unparsed} instead. The arrays are not copied and must not be changed.
 *
 * @param uid 1 to 4294967295
 * @param size RFC822.SIZE in octets
 * @param modSeq greater than 0; empty where the server says 0 or less
 * @param header the raw header, octet by octet
 * @param body the raw message or its start, whichever was asked for; empty also for {@code NIL}, by which servers say that
 *     the message is gone
 * @param unparsed by item name in upper case, what could not be understood or was not asked for
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

    /**
     * @param messageId X-GM-MSGID, an unsigned 64-bit number in decimal
     * @param threadId X-GM-THRID, likewise
     * @param labels X-GM-LABELS, raw: {@code \Inbox}, or modified UTF-7
     */
    public record Gmail(Optional<String> messageId, Optional<String> threadId, Optional<Set<String>> labels) {}
}
