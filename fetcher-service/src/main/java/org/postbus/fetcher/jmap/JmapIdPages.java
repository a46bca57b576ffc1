package org.postbus.fetcher.jmap;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;

/**
 * Goes through all email ids of an account, the newest first, page by page, while mail comes and goes.
 *
 * <p>An anchor (RFC 8620 section 5.5) holds its place whatever happens. A server without anchors is asked by position, each
 * page beginning a little before the end of the last one: as long as they overlap nothing was left out between them; if
 * they do not, so much was deleted meanwhile that we go back. New mail at the top makes some ids come twice. Mail that
 * comes at the top is not seen here: it is among the changes since the state that was taken before.
 */
final class JmapIdPages {
    static final int PAGE_IDS = 500;
    static final int OVERLAP_IDS = 20;

    /** Asks the server for a page of at most {@link #PAGE_IDS}. */
    @FunctionalInterface
    interface Query {
        List<String> page(QueryStart start, int limit) throws InterruptedException;
    }

    private final Query query;
    private boolean anchors = true;
    private Optional<String> last;
    private List<String> tail = List.of();
    private long position;

    /** @param after the last id of an earlier run's last page, if one broke off */
    JmapIdPages(Query query, Optional<String> after) {
        this.query = query;
        this.last = after;
    }

    /** Whether the place of an earlier run is lost: everything comes from the top again. */
    boolean beganAgain() {
        return beganAgain;
    }

    private boolean beganAgain;

    /** The next ids; empty at the end. */
    List<String> next() throws InterruptedException {
        if (anchors && last.isPresent()) {
            try {
                List<String> page = query.page(new QueryStart.After(last.get()), PAGE_IDS);
                keep(page, position + page.size());
                return page;
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                // The server knows no anchors, or not this one any more.
                anchors = false;
                beganAgain = tail.isEmpty();
            }
        }
        return nextByPosition();
    }

    private List<String> nextByPosition() throws InterruptedException {
        while (true) {
            long start = Math.max(0, position - OVERLAP_IDS);
            List<String> page = query.page(new QueryStart.Position(start), PAGE_IDS);
            Set<String> known = new HashSet<>(tail);
            boolean overlaps = start == 0 || page.stream().anyMatch(known::contains);
            if (!overlaps) {
                position = Math.max(0, start - PAGE_IDS);
                if (position == 0) {
                    tail = List.of();
                }
                continue;
            }
            if (page.size() <= position - start) {
                return List.of();
            }
            List<String> fresh = page.stream().filter(id -> !known.contains(id)).toList();
            keep(page, start + page.size());
            if (!fresh.isEmpty()) {
                return fresh;
            }
        }
    }

    private void keep(List<String> page, long position) {
        this.position = position;
        if (!page.isEmpty()) {
            last = Optional.of(page.getLast());
            tail = page;
        }
    }
}
