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

/** UID SEARCH (RFC 9051 section 6.4.4), extended where the server has ESEARCH (RFC 4731). */
final class Searches {
    /** Above this number of messages UIDs are asked for in pages, so that each answer fits in a line of 1 MiB. */
    private static final long SEARCH_MESSAGES_MAX = 45_000;

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
                    .asList()
                    .map(found -> UidSet.of(
                            found.stream().flatMap(set -> set.ranges().stream()).toList()));
        });
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
