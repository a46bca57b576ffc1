package org.postbus.mail.imap.session;

import java.util.Optional;
import org.postbus.mail.imap.grammar.response.ImapResponse;
import org.postbus.mail.imap.grammar.response.ResponseCode;

/**
 * About how many bytes of memory a response takes while it is kept. Two octets on the connection can be a range of UIDs, so
 * octets alone say little.
 */
final class KeptBytes {
    private static final int OBJECT = 250;
    /** For each octet of a list of UIDs in a response code. */
    private static final int CODE_OCTET = 20;

    private KeptBytes() {}

    /** @param octets what it took on the connection */
    static long of(ImapResponse response, long octets) {
        return switch (response) {
            case ImapResponse.Found found -> OBJECT + octets + found.uids().bytes();
            case ImapResponse.Vanished vanished ->
                OBJECT + octets + vanished.uids().bytes();
            case ImapResponse.Status status -> OBJECT + octets * perOctet(status.code());
            case ImapResponse.Fetch fetch -> 2 * OBJECT + octets;
            case ImapResponse.Continuation r -> OBJECT + octets;
            case ImapResponse.Tagged r -> OBJECT + octets;
            case ImapResponse.Capability r -> OBJECT + octets;
            case ImapResponse.Enabled r -> OBJECT + octets;
            case ImapResponse.Listed r -> OBJECT + octets;
            case ImapResponse.MailboxStatusReported r -> OBJECT + octets;
            case ImapResponse.Namespace r -> OBJECT + 10 * octets;
            case ImapResponse.Flags r -> OBJECT + octets;
            case ImapResponse.Exists r -> OBJECT;
            case ImapResponse.Recent r -> OBJECT;
            case ImapResponse.Expunge r -> OBJECT;
            case ImapResponse.FetchWithoutUid r -> OBJECT + octets;
            case ImapResponse.Id r -> OBJECT + octets;
            case ImapResponse.Unknown r -> OBJECT + octets;
        };
    }

    private static long perOctet(Optional<ResponseCode> code) {
        return code.filter(one -> one instanceof ResponseCode.Modified || one instanceof ResponseCode.CopyUid)
                        .isPresent()
                ? CODE_OCTET
                : 1;
    }
}
