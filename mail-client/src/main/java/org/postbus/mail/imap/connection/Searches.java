package org.postbus.mail.imap.connection;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.imap.grammar.command.ImapCommand;
import org.postbus.mail.imap.grammar.command.ImapCommand.SearchKey;
import org.postbus.mail.imap.session.ImapSession;
import org.postbus.mail.memory.HeldBytes;

/** UID SEARCH (RFC 9051 section 6.4.4), extended where the server has ESEARCH (RFC 4731). */
final class Searches {
    /** Above this number of messages UIDs are asked for in pages, so that each answer fits in a line of 1 MiB. */
    private static final long SEARCH_MESSAGES_MAX = 45_000;

    /** A mailbox may have this many messages. No server holds a tenth of it. */
    private static final long MESSAGES_MAX = 20_000_000;
    /** Ranges of UIDs of one mailbox, of 40 bytes each; consecutive UIDs are one range. */
    private static final int RANGES_MAX = 500_000;

    private final ImapWire wire;
    private final ImapSession session;

    Searches(ImapWire wire) {
        this.wire = wire;
        this.session = wire.session();
    }

    /** All UIDs of the selected mailbox. */
    Uni<UidSet> all() {
        return Uni.createFrom().deferred(() -> {
            long messages = session.messages();
            long pageMax = Math.min(
                    SEARCH_MESSAGES_MAX, session.server().capabilities().messageLimit());
            if (messages <= pageMax) {
                return search(new SearchKey.All(), messages == 0);
            }
            if (messages > MESSAGES_MAX) {
                return Uni.createFrom()
                        .failure(exceeded(messages + " messages in a mailbox; it may have " + MESSAGES_MAX));
            }
            // From the end to the beginning: an expunge in between moves messages towards the pages still to be read.
            List<SearchKey> pages = new ArrayList<>();
            for (long last = messages; last >= 1; last -= pageMax) {
                pages.add(new SearchKey.Positions(
                        Math.max(1, last - pageMax + 1),
                        pages.isEmpty() ? OptionalLong.empty() : OptionalLong.of(last)));
            }
            return Multi.createFrom()
                    .iterable(pages)
                    .onItem()
                    .transformToUniAndConcatenate(page -> search(page, false))
                    .collect()
                    .in(() -> new Found(wire.holder().share()), Found::add)
                    .map(Found::all);
        });
    }

    private static ServerException exceeded(String what) {
        return new ServerException(new ServerFailure.LimitExceeded("the server exceeded a limit: " + what));
    }

    /** What the pages so far have found. Counted until it is complete; a connection that fails before counts nothing more. */
    private static final class Found {
        private final HeldBytes.Share share;
        private UidSet uids = UidSet.EMPTY;

        Found(HeldBytes.Share share) {
            this.share = share;
        }

        void add(UidSet page) {
            uids = uids.or(page);
            if (uids.ranges().size() > RANGES_MAX) {
                throw exceeded("more than " + RANGES_MAX + " ranges of UIDs in a mailbox");
            }
            share.set(uids.bytes());
        }

        UidSet all() {
            share.close();
            return uids;
        }
    }

    /** Those of the UIDs that exist. An answer without a result is a failure, as with {@link #all}. */
    Uni<UidSet> existing(UidSet uids) {
        return Multi.createFrom()
                .iterable(uids.split())
                .onItem()
                .transformToUniAndConcatenate(some -> search(new SearchKey.Uids(some), false))
                .collect()
                .in(() -> new Found(wire.holder().share()), Found::add)
                // The end of the UID space is written as "*", for which servers name the last message wherever it is.
                .map(found -> found.all().and(uids));
    }

    /** UIDs of the messages that the key finds. */
    Uni<UidSet> found(SearchKey key) {
        return Uni.createFrom().deferred(() -> search(key, true));
    }

    private Uni<UidSet> search(SearchKey key, boolean missingMeansNone) {
        return wire.run(new ImapCommand.UidSearch(
                        key, session.server().capabilities().hasOrRev2("ESEARCH")))
                .map(answer -> answer.found().orElseGet(() -> {
                    if (missingMeansNone) {
                        return UidSet.EMPTY;
                    }
                    // Treating it as "nothing found" would mean that every message is gone.
                    throw new ServerException(
                            new ServerFailure.Unreachable("the server answered SEARCH without saying what it found"));
                }));
    }
}
