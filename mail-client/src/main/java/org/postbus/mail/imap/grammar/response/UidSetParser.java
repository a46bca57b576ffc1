package org.postbus.mail.imap.grammar.response;

import java.util.Arrays;
import org.postbus.mail.imap.grammar.UidSet;

/** Reads responses that are sets of UIDs: SEARCH, ESEARCH (RFC 4731) and VANISHED (RFC 7162). */
final class UidSetParser {
    private UidSetParser() {}

    static ImapResponse search(ImapReader in) {
        long[] uids = new long[64];
        int count = 0;
        while (in.atDigit()) {
            if (count == uids.length) {
                uids = Arrays.copyOf(uids, 2 * count);
            }
            uids[count++] = in.number();
            in.skipSpaces();
        }
        if (!in.atEnd() && in.peek() != '(') { // what may follow is (MODSEQ n)
            throw new ImapSyntaxException("expected a number");
        }
        return new ImapResponse.Found(UidSet.ofReported(uids, count));
    }

    /** {@code esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)} */
    static ImapResponse esearch(ImapReader in) {
        UidSet uids = UidSet.EMPTY;
        if (in.peek() == '(') {
            AnyValue.skip(in);
        }
        while (true) {
            in.skipSpaces();
            if (in.atEnd()) {
                return new ImapResponse.Found(uids);
            }
            String name = in.keyword();
            in.skipSpaces();
            switch (name) {
                case "UID" -> {}
                case "ALL" -> uids = in.uidSet();
                default -> AnyValue.skip(in);
            }
        }
    }

    /** {@code expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids} */
    static ImapResponse vanished(ImapReader in) {
        boolean earlier = false;
        if (in.peek() == '(') {
            earlier = in.strings().stream()
                    .anyMatch(word -> ImapReader.latin1(word).equalsIgnoreCase("EARLIER"));
            in.skipSpaces();
        }
        return new ImapResponse.Vanished(in.uidSet(), earlier);
    }
}
