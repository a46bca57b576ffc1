package org.postbus.fetcher.jmap;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.jmap.method.JmapMethod.QueryStart;

/**
 * Enumerates all email ids of an account, the newest first, page by page, while mail arrives and is deleted.
 *
 * <p>An anchor (RFC 8620 section 5.5) keeps the position whatever happens. A server without anchors is asked by position, each page beginning a
 * little before the end of the one before: as long as they overlap nothing was skipped between them; if they do not, so much was deleted meanwhile
 * that the enumeration goes back. Mail that arrives at the top makes some ids appear twice. It is not itself enumerated: it is among the changes
 * since the state that was read before.
 */
final class JmapIdPages {
    static final int PAGE_IDS = 500;
    static final int OVERLAP_IDS = 20;
    /** So often one email may be the last of a page that was asked for by an anchor: the next page begins after it. */
    private static final int REPEATED_AFTER_ANCHOR_MAX = 2;
    /** The same for a position: while much is deleted, the enumeration goes back. */
    private static final int REPEATED_BY_POSITION_MAX = 100;

    /** Asks the server for a page of at most {@link #PAGE_IDS}. */
    @FunctionalInterface
    interface Query {
        List<String> page(QueryStart start, int limit) throws InterruptedException;
    }

    private final Query query;
    private boolean anchors = true;
    private boolean restarted;
    private Optional<String> last;
    private List<String> tail = List.of();
    private long position;
    /** The last ids of all pages: one id in {@link #PAGE_IDS}. */
    private final Map<String, Integer> lasts = new HashMap<>();

    /** @param after the last id of an earlier enumeration that was interrupted */
    JmapIdPages(Query query, Optional<String> after) {
        this.query = query;
        this.last = after;
    }

    /** Whether the position of an earlier enumeration is lost: everything is enumerated from the top again. */
    boolean restarted() {
        return restarted;
    }

    /**
     * The next ids, each once; empty at the end.
     *
     * @throws ServerException {@code LimitExceeded} if the server's pages repeat each other
     */
    List<String> next() throws InterruptedException {
        if (anchors && last.isPresent()) {
            try {
                List<String> page = query.page(new QueryStart.After(last.get()), PAGE_IDS);
                keep(page, position + page.size(), REPEATED_AFTER_ANCHOR_MAX);
                return page.stream().distinct().toList();
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                // The server does not know anchors, or not this one any more.
                anchors = false;
                restarted = tail.isEmpty();
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
            List<String> fresh =
                    page.stream().distinct().filter(id -> !known.contains(id)).toList();
            keep(page, start + page.size(), REPEATED_BY_POSITION_MAX);
            if (!fresh.isEmpty()) {
                return fresh;
            }
        }
    }

    private void keep(List<String> page, long position, int repeatedMax) {
        this.position = position;
        if (!page.isEmpty()) {
            if (lasts.merge(page.getLast(), 1, Integer::sum) > repeatedMax) {
                throw new ServerException(new ServerFailure.LimitExceeded(
                        "the server lists the same email again and again: its list of emails does not end"));
            }
            last = Optional.of(page.getLast());
            tail = page;
        }
    }
}
