package org.postbus.mail.imap.grammar.response;

import java.util.Set;
import org.postbus.mail.imap.grammar.AppendedUid;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.UidSet;

/** The response code, in brackets before the text of a status response (RFC 9051 section 7.1 and extensions). */
public sealed interface ResponseCode {

    record Capability(Capabilities capabilities) implements ResponseCode {}

    record PermanentFlags(Set<ImapFlag> flags) implements ResponseCode {}

    record UidNext(long uid) implements ResponseCode {}

    record UidValidity(long value) implements ResponseCode {}

    record HighestModSeq(long modSeq) implements ResponseCode {}

    record NoModSeq() implements ResponseCode {}

    /** The responses before it belong to the mailbox that was selected before (RFC 7162 section 3.2.11). */
    record Closed() implements ResponseCode {}

    record Modified(UidSet uids) implements ResponseCode {}

    record AppendUid(AppendedUid appended) implements ResponseCode {}

    record CopyUid(CopiedUids copied) implements ResponseCode {}

    /**
     * RFC 9738: the command was executed for some messages only, from the end downwards; {@code lowestUid} is the last
     * of them.
     */
    record MessageLimit(long lowestUid) implements ResponseCode {}

    record MailboxId(String id) implements ResponseCode {}

    /**
     * Any other code, and a known code whose arguments cannot be parsed.
     *
     * @param name in upper case
     */
    record Other(String name, String arguments) implements ResponseCode {}
}
