package org.postbus.mail.imap.grammar.response;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.postbus.mail.imap.framing.ImapFramer;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.UidSet;

/** One response of the server (RFC 9051 section 7). */
public sealed interface ImapResponse {

    enum Condition {
        OK,
        NO,
        BAD,
        PREAUTH,
        BYE
    }

    /** {@code + text}. */
    record Continuation(String text) implements ImapResponse {}

    /** The end of the command with that tag. */
    record Tagged(String tag, Condition condition, Optional<ResponseCode> code, String text) implements ImapResponse {}

    /** Untagged OK, NO, BAD, PREAUTH, BYE; also a code without any of them, which some servers send. */
    record Status(Condition condition, Optional<ResponseCode> code, String text) implements ImapResponse {}

    record Capability(Capabilities capabilities) implements ImapResponse {}

    /** ENABLED. */
    record Enabled(Set<String> names) implements ImapResponse {}

    /**
     * LIST, or LSUB.
     *
     * @param oldName OLDNAME, after a rename (RFC 5465 section 5.4)
     */
    record Listed(
            MailboxName name,
            Optional<Character> delimiter,
            Set<String> attributes,
            boolean lsub,
            Optional<MailboxName> oldName)
            implements ImapResponse {}

    /** STATUS. */
    record MailboxStatusReported(MailboxName name, MailboxStatus status) implements ImapResponse {}

    record Namespace(Namespaces namespaces) implements ImapResponse {}

    /** FLAGS. */
    record Flags(Set<ImapFlag> flags) implements ImapResponse {}

    record Exists(long messages) implements ImapResponse {}

    record Recent(long messages) implements ImapResponse {}

    record Expunge(long sequenceNumber) implements ImapResponse {}

    record Vanished(UidSet uids, boolean earlier) implements ImapResponse {}

    /**
     * FETCH with a UID.
     *
     * @param stateOnly whether nothing but flags and mod-sequence came: that is also what servers report unasked
     * @param unterminated whether its closing parenthesis is missing: what follows need not be a response
     * @param sections content by its name in upper case, without origin; empty for NIL, {@link ImapFramer#STREAMED} if it was
     *     passed on before
     */
    record Fetch(
            long sequenceNumber,
            FetchedMessage message,
            boolean stateOnly,
            boolean unterminated,
            Map<String, Optional<byte[]>> sections)
            implements ImapResponse {}

    /** FETCH without a UID: never the answer to a UID FETCH. */
    record FetchWithoutUid(long sequenceNumber, Optional<Set<ImapFlag>> flags, OptionalLong modSeq)
            implements ImapResponse {}

    /** SEARCH or ESEARCH, ascending. */
    record Found(UidSet uids) implements ImapResponse {}

    /** ID: names in lower case. */
    record Id(Map<String, String> fields) implements ImapResponse {}

    /** Any other response, or one that could not be parsed. */
    record Unknown(String text) implements ImapResponse {}
}
