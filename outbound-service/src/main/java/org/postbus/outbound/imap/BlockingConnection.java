package org.postbus.outbound.imap;

import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.postbus.kit.concurrent.Await;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.mail.memory.HeldBytes;

/**
 * An IMAP connection with blocking commands, for virtual threads. Remembers which mailbox is selected, so that consecutive work in one
 * mailbox needs one SELECT. Every command fails with a {@link ServerException} only.
 */
final class BlockingConnection {
    /** For one command on up to 1,000 messages; the client has its own, shorter limit for silence. */
    static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(5);

    /** UIDs of one command: Yahoo's MESSAGELIMIT, the lowest known; also the most that one NO can concern. */
    private static final int UIDS_MAX = 1000;
    /** Exchange accepts commands of 10,240 octets; a range with its comma has up to 22. */
    private static final int RANGES_MAX = 400;

    /** What is taken of a message takes about this much memory. */
    private static final long TAKEN_BYTES = 200;

    private final ImapConnection imap;
    private Optional<SelectedMailbox> selected = Optional.empty();

    BlockingConnection(ImapConnection imap) {
        this.imap = imap;
    }

    ImapConnection imap() {
        return imap;
    }

    /** @throws ServerException {@link ServerFailure.OutcomeUnknown} if no answer came in time */
    <T> T await(Uni<T> command) {
        return Await.uninterruptibly(command, COMMAND_TIME_MAX, ServerException::outcomeUnknown);
    }

    /** The sets of UIDs that one command each may carry, ascending. */
    static List<UidSet> commands(Collection<Long> uids) {
        return UidSet.ofUids(uids).split(UIDS_MAX, RANGES_MAX);
    }

    SelectedMailbox selected() {
        return selected.orElseThrow();
    }

    /** Sends SELECT unless the mailbox is selected already. */
    SelectedMailbox selectForWriting(MailboxName mailbox) {
        return isSelectedForWriting(mailbox) ? selected.orElseThrow() : select(mailbox, false);
    }

    boolean isSelectedForWriting(MailboxName mailbox) {
        return selected.filter(open -> open.name().equals(mailbox) && !open.readOnly())
                .isPresent();
    }

    SelectedMailbox select(MailboxName mailbox, boolean readOnly) {
        selected = Optional.empty();
        selected = Optional.of(await(imap.select(mailbox, readOnly)));
        return selected.get();
    }

    /** Sends EXAMINE. False if the server refuses, because there is no such mailbox. */
    boolean examineIfExists(MailboxName mailbox) {
        try {
            select(mailbox, true);
            return true;
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected) {
                return false;
            }
            throw e;
        }
    }

    /** The next {@link #selectForWriting} sends SELECT in any case. */
    void forgetSelected() {
        selected = Optional.empty();
    }

    /** Some servers refuse to rename or delete the selected mailbox. */
    void unselect() {
        if (selected.isPresent()) {
            selected = Optional.empty();
            await(imap.unselect());
        }
    }

    /** All of them at once: for items that are small. */
    List<FetchedMessage> fetch(UidSet uids, FetchItems items) {
        return fetch(uids, items, message -> message);
    }

    /** The same. James refuses a set of UIDs of which none exists, against RFC 9051 section 6.4.9. Then SEARCH shows which exist. */
    List<FetchedMessage> fetchExisting(UidSet uids, FetchItems items) {
        try {
            return fetch(uids, items);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            UidSet existing = uids.and(UidSet.of(await(imap.uidSearchAll())));
            return existing.isEmpty() ? List.of() : fetch(existing, items);
        }
    }

    /** As {@link #fetch(UidSet, FetchItems)}; of each message only the result of {@code taken} is kept. */
    <T> List<T> fetch(UidSet uids, FetchItems items, Function<FetchedMessage, T> taken) {
        try (HeldBytes.Share kept = imap.keeping()) {
            return await(imap.uidFetch(uids.ranges(), items)
                    .map(message -> {
                        T result = taken.apply(message);
                        kept.add(result == message ? message.bytes() : TAKEN_BYTES);
                        return result;
                    })
                    .collect()
                    .asList());
        }
    }
}
