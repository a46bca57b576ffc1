package org.postbus.fetcher;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jboss.logging.Logger;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.event.Observation;
import org.postbus.event.ObservedMailbox;
import org.postbus.event.UidRange;
import org.postbus.fetcher.ChangeSource.PassOutcome;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.FetchItem;
import org.postbus.mail.imap.FetchItems;
import org.postbus.mail.imap.FetchedMessage;
import org.postbus.mail.imap.ImapConnection;
import org.postbus.mail.imap.ListedMailbox;
import org.postbus.mail.imap.MailboxChange;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.imap.MailboxStatus;
import org.postbus.mail.imap.SelectedMailbox;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxRole;

/**
 * One look at a whole IMAP account.
 *
 * <p>Phases: (1) LIST with STATUS, which tells what must be opened at all; (2) in every mailbox that differs, what became of
 * the messages that are known: flags and those that went; (3) in every mailbox that has any, the new ones. Vanished before
 * new, over all mailboxes, so that a message that was moved is first unlinked and then found again: one change, not two.
 *
 * <p>If it fails after any phase, what was published is true and the cursors that were published with it say how far it
 * goes; the next pass does the rest. A HIGHESTMODSEQ is only published after the command that brought everything up to it
 * has ended (RFC 7162 section 6).
 */
final class ImapPass {
    /** LIST on an account of thousands of mailboxes, on a server without LIST-STATUS. */
    private static final Duration LIST_TIME_MAX = Duration.ofMinutes(5);

    private static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(2);
    /** Of each message at once; what is longer is fetched whole by itself. */
    static final int FIRST_OCTETS = 64 * 1024;
    /** A message beyond this is never held whole: its body is fetched on demand. */
    static final int WHOLE_OCTETS_MAX = 25 * 1024 * 1024;
    /** Messages between two cursors of a first run: what a crash costs at most. */
    static final int WINDOW_MESSAGES = 500;
    /** Fetched messages that wait to be parsed, of {@link #FIRST_OCTETS} at most each. */
    private static final int AHEAD_MESSAGES = 32;

    private static final int PARSED_AT_ONCE = 8;
    /** UIDs whose flags are compared in one step. */
    private static final int COMPARED_MESSAGES = 2000;
    /** Ranges of one observation. */
    private static final int RANGES_MAX = 1000;
    /** Without mod-sequences a flag that changes tells nobody: recent messages are compared so often, and all so often. */
    private static final Duration RECENT_FLAGS_EVERY = Duration.ofMinutes(2);

    private static final Duration ALL_FLAGS_EVERY = Duration.ofMinutes(30);
    private static final Logger LOG = Logger.getLogger(ImapPass.class);

    private final Claim claim;
    private final AccountTables tables;
    private final ImapConnection connection;
    private final Map<MailboxKey, ImapMailbox> mailboxes;
    private final Surroundings around;
    private final ObservationPublisher out;
    private final boolean full;
    private final boolean inboxStirred;
    private final Instant now;

    private Optional<SelectedMailbox> selected = Optional.empty();
    private Optional<ImapMailbox> open = Optional.empty();
    private boolean again;

    /**
     * @param full trust no cursor
     * @param inboxStirred IDLE reported something in the inbox
     */
    ImapPass(
            Claim claim,
            Surroundings around,
            ImapConnection connection,
            Map<MailboxKey, ImapMailbox> mailboxes,
            ObservationPublisher out,
            boolean full,
            boolean inboxStirred,
            Instant now) {
        this.claim = claim;
        this.around = around;
        this.tables = around.tables();
        this.connection = connection;
        this.mailboxes = mailboxes;
        this.out = out;
        this.full = full;
        this.inboxStirred = inboxStirred;
        this.now = now;
    }

    /** A mailbox that has work, with the STATUS that said so. */
    private record Task(ImapMailbox mailbox, MailboxName name, MailboxStatus status, MailboxWork work) {}

    /** A mailbox in which new messages are to be read; {@code missing} are older ones that were overlooked. */
    private record Arrivals(ImapMailbox mailbox, MailboxName name, UidSet missing) {}

    PassOutcome run() throws InterruptedException {
        List<ListedMailbox> answer = Await.server(connection.list(), LIST_TIME_MAX);
        MailboxListing listing = MailboxListing.of(
                mailboxes.values().stream().map(ImapMailbox::asKnown).toList(), answer);
        List<Task> tasks = tasks(listing);
        publish(listing);

        List<Arrivals> arrivals = new ArrayList<>();
        for (Task task : tasks) {
            unlessRefused(task.mailbox(), () -> {
                Optional<Arrivals> more = lookBack(task);
                more.ifPresent(arrivals::add);
            });
        }
        for (Arrivals more : arrivals) {
            unlessRefused(more.mailbox(), () -> arrive(more));
        }
        leave();
        boolean complete = mailboxes.values().stream().allMatch(this::isComplete);
        return new PassOutcome(complete, again);
    }

    /**
     * The next LIST would tell of an open mailbox what this connection last saw of it, not what is there (Dovecot; RFC 9051
     * section 6.3.11 warns of STATUS).
     */
    private void leave() throws InterruptedException {
        takeChanges();
        open = Optional.empty();
        selected = Optional.empty();
        if (connection.selectedName().isPresent()) {
            Await.server(connection.unselect(), COMMAND_TIME_MAX);
        }
    }

    private boolean isComplete(ImapMailbox mailbox) {
        return !mailbox.observed.selectable()
                || mailbox.refusedUntil.isAfter(now)
                || mailbox.cursor.map(Cursor.Imap::backfilled).orElse(false);
    }

    // ---- Phase 1

    private void publish(MailboxListing listing) throws InterruptedException {
        for (MailboxKey vanished : listing.vanished()) {
            out.add(new Observation.MailboxVanished(vanished));
            mailboxes.remove(vanished);
            again = true;
        }
        for (ObservedMailbox changed : listing.changed()) {
            out.add(new Observation.MailboxObserved(changed));
            if (changed.renamedFrom().isPresent()) {
                // The cursor goes on under the new key.
                ImapMailbox mailbox = mailboxes.get(changed.key());
                if (mailbox.cursor.isPresent()) {
                    out.add(new Observation.ScopeSynced(mailbox.scope(), mailbox.cursor.get()));
                }
            }
        }
    }

    /** Brings {@link #mailboxes} up to date with the listing and says what is to be done in which, the inbox first. */
    private List<Task> tasks(MailboxListing listing) {
        List<Task> tasks = new ArrayList<>();
        for (MailboxListing.Entry entry : listing.listed()) {
            MailboxKey key = entry.mailbox().key();
            MailboxKey before = listing.renamed().getOrDefault(key, key);
            ImapMailbox mailbox = mailboxes.remove(before);
            if (mailbox == null) {
                mailbox = new ImapMailbox(entry.mailbox(), Optional.empty(), OptionalLong.of(0));
            }
            boolean unseenDiffers =
                    mailbox.observed.unreadEmails() != entry.mailbox().unreadEmails();
            if (!mailbox.observed.rawName().equals(entry.mailbox().rawName())) {
                mailbox.opened();
            }
            mailbox.observed = entry.mailbox();
            mailboxes.put(key, mailbox);
            if (!entry.mailbox().selectable() || mailbox.refusedUntil.isAfter(now)) {
                continue;
            }
            MailboxStatus status = entry.listed().status().orElse(UNTOLD);
            if (full && mailbox.cursor.isPresent() && !mailbox.cursor.get().backfilled()) {
                // A first run that broke off and is not to be trusted begins again; what it left is compared after it.
                mailbox.cursor = Optional.empty();
                mailbox.known = OptionalLong.empty();
            }
            boolean suspicion = unseenDiffers
                    || (inboxStirred && mailbox.observed.role().equals(Optional.of(MailboxRole.INBOX)))
                    || mailbox.flagsSuspect
                    || !mailbox.recentComparedAt.plus(RECENT_FLAGS_EVERY).isAfter(now);
            MailboxWork work = MailboxWork.of(mailbox.cursor, mailbox.known, status, suspicion, full);
            if (!(work instanceof MailboxWork.Nothing)) {
                tasks.add(new Task(mailbox, entry.listed().name(), status, work));
            }
        }
        tasks.sort(Comparator.comparingInt(task -> urgency(task.mailbox().observed)));
        return tasks;
    }

    private static final MailboxStatus UNTOLD = new MailboxStatus(
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            Optional.empty());

    /** People look at some mailboxes first. */
    private static int urgency(ObservedMailbox mailbox) {
        return mailbox.role()
                .map(role -> switch (role) {
                    case INBOX -> 0;
                    case SENT, DRAFTS -> 1;
                    case ARCHIVE, FLAGGED, IMPORTANT, SUBSCRIBED -> 2;
                    case ALL -> 4;
                    case JUNK, TRASH -> 5;
                })
                .orElse(3);
    }

    // ---- Phase 2

    /** @return what phase 3 has to do in this mailbox */
    private Optional<Arrivals> lookBack(Task task) throws InterruptedException {
        ImapMailbox mailbox = task.mailbox();
        return switch (task.work()) {
            case MailboxWork.Nothing nothing -> Optional.empty();
            case MailboxWork.Renumbered(long uidValidity) -> {
                renumbered(mailbox, uidValidity);
                yield Optional.of(new Arrivals(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.FirstRun first -> {
                if (isEmpty(task.status())) {
                    complete(mailbox, task.status());
                    yield Optional.empty();
                }
                yield Optional.of(new Arrivals(mailbox, task.name(), UidSet.EMPTY));
            }
            case MailboxWork.CatchUp(boolean lookBack, boolean arrivals) -> {
                UidSet missing = lookBack ? lookBack(mailbox, task.name()) : UidSet.EMPTY;
                yield arrivals || !missing.isEmpty() || mailbox.cursor.isEmpty()
                        ? Optional.of(new Arrivals(mailbox, task.name(), missing))
                        : Optional.empty();
            }
        };
    }

    private static boolean isEmpty(MailboxStatus status) {
        return status.messages().isPresent()
                && status.messages().getAsLong() == 0
                && status.uidNext().isPresent()
                && status.uidValidity().isPresent();
    }

    private void complete(ImapMailbox mailbox, MailboxStatus status) throws InterruptedException {
        mailbox.known = OptionalLong.of(0);
        synced(
                mailbox,
                new Cursor.Imap(
                        status.uidValidity().getAsLong(),
                        status.uidNext().getAsLong(),
                        ImapEmails.boxed(status.highestModSeq()),
                        1));
    }

    private void renumbered(ImapMailbox mailbox, long uidValidity) throws InterruptedException {
        out.add(new Observation.MailboxReset(mailbox.key(), uidValidity));
        mailbox.renumbered();
        again = true;
    }

    /** @return messages that should be known and are not */
    private UidSet lookBack(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        SelectedMailbox now = select(mailbox, name);
        if (mailbox.cursor.isEmpty()) {
            return UidSet.EMPTY;
        }
        Cursor.Imap cursor = mailbox.cursor.get();
        UidSet missing = UidSet.EMPTY;
        boolean compareUids = full
                || !MailboxWork.nothingVanished(cursor, mailbox.known, OptionalLong.of(now.messages()), now.uidNext());
        if (compareUids) {
            missing = compareUids(mailbox, cursor, now);
        }
        boolean byModSeq =
                cursor.highestModSeq().isPresent() && now.highestModSeq().isPresent();
        if (byModSeq && !full) {
            if (cursor.highestModSeq().get() != now.highestModSeq().getAsLong()) {
                changedSince(mailbox, cursor, now);
            }
        } else {
            compareFlags(mailbox, cursor, now);
        }
        takeChanges();
        if (mailbox.cursor.isPresent()) {
            Cursor.Imap next = new Cursor.Imap(
                    cursor.uidValidity(),
                    cursor.uidNext(),
                    ImapEmails.boxed(now.highestModSeq()),
                    cursor.backfillUid());
            if (!next.equals(cursor)) {
                synced(mailbox, next);
            }
        }
        return missing;
    }

    /** Flags of messages that are known and changed (RFC 7162 section 3.1.4.1). */
    private void changedSince(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected)
            throws InterruptedException {
        UidSet known = UidSet.between(1, cursor.uidNext());
        if (known.isEmpty() || selected.messages() == 0) {
            // Nothing to ask for; and James answers BAD to any UID FETCH in an empty mailbox.
            return;
        }
        FetchItems items = FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ)
                .changedSince(cursor.highestModSeq().orElseThrow());
        try (Inflow<FetchedMessage> messages = Inflow.of(connection.uidFetch(known.ranges(), items), 200)) {
            for (Optional<FetchedMessage> message = messages.next(); message.isPresent(); message = messages.next()) {
                if (message.get().flags().isPresent() && message.get().uid() < cursor.uidNext()) {
                    out.add(ImapEmails.state(mailbox.key(), cursor.uidValidity(), message.get()));
                }
            }
        }
    }

    /** Flags of messages that are known, one by one with what the database has: for servers that keep no mod-sequences. */
    private void compareFlags(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected)
            throws InterruptedException {
        boolean all = full || !mailbox.allComparedAt.plus(ALL_FLAGS_EVERY).isAfter(now);
        out.awaitApplied();
        UidSet known = tables.uids(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity());
        UidSet rest = all ? known : known.highest(COMPARED_MESSAGES);
        while (!rest.isEmpty()) {
            UidSet step = rest.highest(COMPARED_MESSAGES);
            rest = rest.minus(step);
            Map<Long, Set<Keyword>> before = tables.keywords(
                    claim.tenantId(),
                    claim.accountId(),
                    mailbox.key(),
                    cursor.uidValidity(),
                    new UidRange(step.first(), step.last()));
            FetchItems items = selected.highestModSeq().isPresent()
                    ? FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ)
                    : FetchItems.of(FetchItems.FLAGS);
            List<UidRange> span = List.of(new UidRange(step.first(), step.last()));
            try (Inflow<FetchedMessage> messages = Inflow.of(connection.uidFetch(span, items), 200)) {
                for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                    FetchedMessage message = next.get();
                    Set<Keyword> was = before.get(message.uid());
                    if (was != null && message.flags().isPresent() && !was.equals(ImapEmails.keywords(message))) {
                        out.add(ImapEmails.state(mailbox.key(), cursor.uidValidity(), message));
                    }
                }
            }
        }
        mailbox.flagsSuspect = false;
        mailbox.recentComparedAt = now;
        if (all) {
            mailbox.allComparedAt = now;
        }
    }

    /**
     * Finds what has gone by laying our UIDs beside the server's. Ours are read first, and only when the writer has applied
     * all that we sent: a message that comes in between is then on the server's side alone and does not look deleted.
     *
     * @return messages that should be known and are not
     */
    private UidSet compareUids(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected)
            throws InterruptedException {
        out.awaitApplied();
        UidSet below = UidSet.between(1, cursor.uidNext());
        UidSet ours = tables.uids(claim.tenantId(), claim.accountId(), mailbox.key(), cursor.uidValidity())
                .and(below);
        UidSet theirs = UidSet.of(Await.server(connection.uidSearchAll(), COMMAND_TIME_MAX));
        boolean someWentMeanwhile = connection.takeChanges().stream()
                .anyMatch(change -> change instanceof MailboxChange.Expunged
                        || change instanceof MailboxChange.Vanished
                        || change instanceof MailboxChange.TooMany);
        if (theirs.size() < selected.messages() && !someWentMeanwhile) {
            // It says that there are more than it lists. Whatever is wrong there, no mail is to be lost by it.
            LOG.warnf(
                    "account %s: a mailbox of %d messages lists only %d of them; nothing is taken for deleted",
                    claim.accountId(), selected.messages(), theirs.size());
            mailbox.known = OptionalLong.empty();
            return UidSet.EMPTY;
        }
        UidSet gone = ours.minus(theirs);
        vanished(mailbox, cursor.uidValidity(), gone);
        mailbox.withheld.removeIf(uid -> !theirs.contains(uid) || ours.contains(uid));
        UidSet missing = theirs.and(below).minus(ours).minus(UidSet.ofUids(mailbox.withheld));
        mailbox.known = OptionalLong.of(ours.size() - gone.size() + mailbox.withheld.size());
        if (someWentMeanwhile) {
            mailbox.known = OptionalLong.empty();
            again = true;
        }
        return missing;
    }

    private void vanished(ImapMailbox mailbox, long uidValidity, UidSet gone) throws InterruptedException {
        List<UidRange> ranges = gone.ranges();
        for (int from = 0; from < ranges.size(); from += RANGES_MAX) {
            out.add(new Observation.UidsVanished(
                    mailbox.key(), uidValidity, ranges.subList(from, Math.min(ranges.size(), from + RANGES_MAX))));
            again = true;
        }
    }

    // ---- Phase 3

    private void arrive(Arrivals arrivals) throws InterruptedException {
        ImapMailbox mailbox = arrivals.mailbox();
        // What phase 2 selected last is still as it was when its numbers were read.
        SelectedMailbox now = open.filter(current -> current == mailbox).isPresent()
                ? selected.orElseThrow()
                : select(mailbox, arrivals.name());
        if (mailbox.cursor.isEmpty()) {
            begin(mailbox, now);
        }
        catchUp(mailbox, now, arrivals.missing());
        backfill(mailbox);
        takeChanges();
    }

    /** The numbers of the first SELECT hold until everything below them has been read (RFC 7162 section 6). */
    private void begin(ImapMailbox mailbox, SelectedMailbox now) throws InterruptedException {
        long uidNext = uidNext(now);
        mailbox.recentComparedAt = this.now;
        mailbox.allComparedAt = this.now;
        Cursor.Imap cursor = new Cursor.Imap(
                now.uidValidity().orElse(0),
                uidNext,
                ImapEmails.boxed(now.highestModSeq()),
                now.messages() == 0 ? 1 : Math.max(1, uidNext));
        synced(mailbox, cursor);
    }

    private long uidNext(SelectedMailbox now) throws InterruptedException {
        if (now.uidNext().isPresent()) {
            return now.uidNext().getAsLong();
        }
        UidSet all = UidSet.of(Await.server(connection.uidSearchAll(), COMMAND_TIME_MAX));
        return all.isEmpty() ? 1 : all.last() + 1;
    }

    /** What came since the cursor, the oldest first: the cursor rises with it. */
    private void catchUp(ImapMailbox mailbox, SelectedMailbox now, UidSet missing) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        if (!missing.isEmpty()) {
            readMissing(mailbox, missing);
        }
        long uidNext = uidNext(now);
        if (uidNext <= cursor.uidNext()) {
            return;
        }
        UidSet span = UidSet.between(cursor.uidNext(), uidNext);
        // UIDs may lie far apart: many of them are asked for by what is there, a few by their span.
        UidSet there = span.size() <= WINDOW_MESSAGES
                ? span
                : span.and(UidSet.of(Await.server(connection.uidSearchAll(), COMMAND_TIME_MAX)));
        UidSet rest = there;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.saw(read(mailbox, window));
            raise(mailbox, rest.isEmpty() ? uidNext : window.last() + 1);
        }
        if (there.isEmpty()) {
            raise(mailbox, uidNext);
        }
    }

    private void raise(ImapMailbox mailbox, long uidNext) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        synced(mailbox, new Cursor.Imap(cursor.uidValidity(), uidNext, cursor.highestModSeq(), cursor.backfillUid()));
    }

    /** What was there before the first run, the newest first: people want to see today's mail. */
    private void backfill(ImapMailbox mailbox) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        if (cursor.backfilled()) {
            return;
        }
        UidSet rest = UidSet.between(1, cursor.backfillUid())
                .and(UidSet.of(Await.server(connection.uidSearchAll(), COMMAND_TIME_MAX)));
        while (!rest.isEmpty()) {
            UidSet window = rest.highest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            mailbox.saw(read(mailbox, window));
            lower(mailbox, rest.isEmpty() ? 1 : window.first());
        }
        if (!mailbox.cursor.orElseThrow().backfilled()) {
            lower(mailbox, 1);
        }
        // What changed while it was read is known to the mod-sequence of its beginning only.
        again = true;
    }

    private void lower(ImapMailbox mailbox, long backfillUid) throws InterruptedException {
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        synced(mailbox, new Cursor.Imap(cursor.uidValidity(), cursor.uidNext(), cursor.highestModSeq(), backfillUid));
    }

    /** What is listed but was overlooked. If it is not handed out now either, it is not asked for again. */
    private void readMissing(ImapMailbox mailbox, UidSet missing) throws InterruptedException {
        UidSet rest = missing;
        while (!rest.isEmpty()) {
            UidSet window = rest.lowest(WINDOW_MESSAGES);
            rest = rest.minus(window);
            Set<Long> seen = new HashSet<>();
            read(mailbox, window, seen);
            window.minus(UidSet.ofUids(seen)).forEach(mailbox.withheld::add);
            mailbox.saw(window.size());
        }
    }

    /**
     * Reads and publishes messages whole. If the server refuses to hand out a window, it is halved until the message that
     * it stumbles over stands alone; that one is withheld.
     *
     * @return how many of them are there
     */
    private long read(ImapMailbox mailbox, UidSet uids) throws InterruptedException {
        Set<Long> seen = new HashSet<>();
        read(mailbox, uids, seen);
        return seen.size();
    }

    private void read(ImapMailbox mailbox, UidSet uids, Set<Long> seen) throws InterruptedException {
        try {
            readOnce(mailbox, uids, seen);
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            if (uids.size() == 1) {
                LOG.warnf(
                        "account %s: the server withholds a message: %s",
                        claim.accountId(), e.failure().text());
                mailbox.withheld.add(uids.first());
                seen.add(uids.first());
                return;
            }
            UidSet lower = uids.lowest(uids.size() / 2);
            read(mailbox, lower, seen);
            read(mailbox, uids.minus(lower), seen);
        }
    }

    private void readOnce(ImapMailbox mailbox, UidSet uids, Set<Long> seen) throws InterruptedException {
        List<FetchedMessage> large = new ArrayList<>();
        ArrayDeque<Future<EncodedObservation>> parsed = new ArrayDeque<>();
        FetchItems items = items(FetchItems.bodyStart(FIRST_OCTETS));
        try (Inflow<FetchedMessage> messages = Inflow.of(connection.uidFetch(uids.ranges(), items), AHEAD_MESSAGES)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                if (!uids.contains(message.uid())) {
                    continue;
                }
                if (message.body().isEmpty() || message.flags().isEmpty()) {
                    // It went while it was read, or the server reports a flag in between.
                    continue;
                }
                if (message.body().get().length >= FIRST_OCTETS
                        && message.size().orElse(Long.MAX_VALUE) > FIRST_OCTETS) {
                    large.add(message);
                    continue;
                }
                if (seen.add(message.uid())) {
                    parsed.add(parse(mailbox, message, true));
                }
                if (parsed.size() >= PARSED_AT_ONCE) {
                    out.add(result(parsed.poll()));
                }
            }
            while (!parsed.isEmpty()) {
                out.add(result(parsed.poll()));
            }
        } finally {
            parsed.forEach(work -> work.cancel(true));
        }
        for (FetchedMessage start : large) {
            if (seen.contains(start.uid())) {
                continue;
            }
            out.add(large(mailbox, start));
            seen.add(start.uid());
        }
    }

    private EncodedObservation large(ImapMailbox mailbox, FetchedMessage start) throws InterruptedException {
        if (start.size().orElse(Long.MAX_VALUE) > WHOLE_OCTETS_MAX) {
            return result(parse(mailbox, start, false));
        }
        around.largeMessages().acquire();
        try {
            Optional<FetchedMessage> whole = readWhole(start.uid());
            return result(parse(mailbox, whole.orElse(start), whole.isPresent()));
        } finally {
            around.largeMessages().release();
        }
    }

    private Optional<FetchedMessage> readWhole(long uid) throws InterruptedException {
        Optional<FetchedMessage> whole = Optional.empty();
        try (Inflow<FetchedMessage> messages =
                Inflow.of(connection.uidFetch(List.of(new UidRange(uid, uid)), items(FetchItems.BODY)), 1)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                if (next.get().uid() == uid
                        && next.get().body().isPresent()
                        && next.get().flags().isPresent()) {
                    whole = next;
                }
            }
        }
        return whole;
    }

    private Future<EncodedObservation> parse(ImapMailbox mailbox, FetchedMessage message, boolean whole) {
        MailboxKey key = mailbox.key();
        long uidValidity = mailbox.cursor.orElseThrow().uidValidity();
        return around.parsing()
                .submit(() -> EncodedObservation.of(ImapEmails.observed(key, uidValidity, message, whole)));
    }

    private static EncodedObservation result(Future<EncodedObservation> parsed) throws InterruptedException {
        try {
            return parsed.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a message could not be made an observation", e.getCause());
        }
    }

    private FetchItems items(FetchItem body) {
        Set<FetchItem> items =
                new LinkedHashSet<>(List.of(FetchItems.FLAGS, FetchItems.INTERNAL_DATE, FetchItems.SIZE));
        if (selected.map(SelectedMailbox::highestModSeq)
                .orElse(OptionalLong.empty())
                .isPresent()) {
            items.add(FetchItems.MOD_SEQ);
        }
        if (connection.capabilities().has("OBJECTID")) {
            items.add(FetchItems.EMAIL_ID);
            items.add(FetchItems.THREAD_ID);
        } else if (connection.capabilities().has("X-GM-EXT-1")) {
            items.add(FetchItems.GMAIL);
        }
        items.add(body);
        return new FetchItems(items, OptionalLong.empty());
    }

    // ---- Common to all phases

    private SelectedMailbox select(ImapMailbox mailbox, MailboxName name) throws InterruptedException {
        takeChanges();
        open = Optional.empty();
        selected = Optional.empty();
        SelectedMailbox now = Await.server(connection.select(name, true), COMMAND_TIME_MAX);
        selected = Optional.of(now);
        open = Optional.of(mailbox);
        mailbox.opened();
        long uidValidity = now.uidValidity().orElse(0);
        if (mailbox.cursor.isPresent() && mailbox.cursor.get().uidValidity() != uidValidity) {
            renumbered(mailbox, uidValidity);
        }
        return now;
    }

    private void synced(ImapMailbox mailbox, Cursor.Imap cursor) throws InterruptedException {
        mailbox.cursor = Optional.of(cursor);
        out.add(new Observation.ScopeSynced(mailbox.scope(), cursor));
    }

    /** What the server said unasked about the mailbox that is open. It says it once, so it is acted on. */
    private void takeChanges() throws InterruptedException {
        List<MailboxChange> changes = connection.takeChanges();
        if (open.isEmpty() || open.get().cursor.isEmpty()) {
            return;
        }
        ImapMailbox mailbox = open.get();
        Cursor.Imap cursor = mailbox.cursor.orElseThrow();
        for (MailboxChange change : changes) {
            switch (change) {
                case MailboxChange.Exists exists -> again |= isMore(mailbox, exists.messages());
                case MailboxChange.Vanished gone -> {
                    vanished(mailbox, cursor.uidValidity(), UidSet.of(gone.uids()));
                    mailbox.known = OptionalLong.empty();
                }
                case MailboxChange.Expunged gone -> {
                    mailbox.known = OptionalLong.empty();
                    again = true;
                }
                case MailboxChange.FlagsReported flags -> mailbox.flagsSuspect = true;
                case MailboxChange.TooMany tooMany -> {
                    mailbox.known = OptionalLong.empty();
                    mailbox.flagsSuspect = true;
                }
            }
        }
    }

    private static boolean isMore(ImapMailbox mailbox, long messages) {
        return mailbox.known.isPresent() && messages > mailbox.known.getAsLong();
    }

    @FunctionalInterface
    private interface MailboxStep {
        void run() throws InterruptedException;
    }

    /** One mailbox that cannot be opened (a phantom, or it went since LIST) does not stop the others. */
    private void unlessRefused(ImapMailbox mailbox, MailboxStep step) throws InterruptedException {
        try {
            step.run();
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
            LOG.infof(
                    "account %s: a mailbox is refused: %s",
                    claim.accountId(), e.failure().text());
            mailbox.refused(now);
            open = Optional.empty();
            selected = Optional.empty();
        }
    }
}
