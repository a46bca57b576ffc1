package org.postbus.outbound.imap;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.postbus.mail.imap.grammar.CopiedUids;
import org.postbus.observation.UidRange;

/** The COPYUID responses (RFC 4315) to the commands of one copy or move. The ranges come from the server and are never expanded. */
final class CopyReport {
    private final List<CopiedUids> responses = new ArrayList<>();

    void add(List<CopiedUids> reported) {
        responses.addAll(reported);
    }

    /** By UID of the original, the UID of its copy; originals that the server did not name are missing. */
    Map<Long, Long> copiesOf(Collection<Long> uids) {
        Map<Long, Long> copies = new TreeMap<>();
        for (long uid : uids) {
            for (CopiedUids response : responses) {
                position(response.sources(), uid)
                        .ifPresent(
                                position -> at(response.targets(), position).ifPresent(copy -> copies.put(uid, copy)));
            }
        }
        return copies;
    }

    /** All UIDs of copies, as ranges. */
    List<UidRange> targets() {
        return responses.stream()
                .flatMap(response -> response.targets().stream())
                .toList();
    }

    /** Of the mailbox that holds the copies; empty if there are no responses, or they differ. */
    OptionalLong uidValidity() {
        return responses.stream().map(CopiedUids::uidValidity).distinct().count() == 1
                ? OptionalLong.of(responses.getFirst().uidValidity())
                : OptionalLong.empty();
    }

    private static OptionalLong position(List<UidRange> ranges, long uid) {
        long before = 0;
        for (UidRange range : ranges) {
            if (range.first() <= uid && uid <= range.last()) {
                return OptionalLong.of(before + uid - range.first());
            }
            before += range.last() - range.first() + 1;
        }
        return OptionalLong.empty();
    }

    private static OptionalLong at(List<UidRange> ranges, long position) {
        long before = 0;
        for (UidRange range : ranges) {
            long length = range.last() - range.first() + 1;
            if (position < before + length) {
                return OptionalLong.of(range.first() + position - before);
            }
            before += length;
        }
        return OptionalLong.empty();
    }
}
