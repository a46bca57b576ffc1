package org.postbus.outbound.imap;

import io.smallrye.mutiny.TimeoutException;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.postbus.account.AccountSettings;
import org.postbus.account.Credential;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.connection.ImapClient;
import org.postbus.mail.imap.connection.ImapConnection;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.Namespaces;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.mail.imap.grammar.StoreResult;
import org.postbus.model.EmailId;
import org.postbus.observation.UidRange;
import org.postbus.outbound.FoldedWish;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer;
import org.postbus.outbound.MailboxWish;
import org.postbus.outbound.imap.ImapPlan.Abilities;
import org.postbus.outbound.imap.ImapPlan.Action;
import org.postbus.outbound.imap.ImapPlan.MailboxWork;

/**
 * Carries wishes out over one IMAP connection, by an {@link ImapPlan}.
 *
 * <p>Phases in each mailbox: SELECT and compare UIDVALIDITY; UID FETCH (FLAGS) of every message that is meant, which tells
 * what is still there and what is already as wished; then the plan's actions. If it breaks off, what was done stays done,
 * and the wishes that were not finished are done again from the start: every action but COPY does nothing the second time,
 * and before a COPY that may have been done the target is searched.
 *
 * <p>Flag changes are deltas and carry no UNCHANGEDSINCE: they undo nothing of what others do, and with it any change to the
 * message, by anyone, would make an unrelated wish fail. What can not be undone carries it: a message is only marked
 * {@code \Deleted} and expunged if nobody changed it since we looked (RFC 7162 section 3.1.3).
 */
public final class ImapMailServer implements MailServer {
    /** One command on {@value UidSets#UIDS_MAX} messages; the client has its own, shorter limit for silence. */
    private static final Duration COMMAND_TIME_MAX = Duration.ofMinutes(5);
    /** A NO to a command on many messages may be about one: it is halved, but not for ever. */
    private static final int HALVINGS_MAX = 64;
    /** These are about the mailbox or the account: halving would only repeat them (RFC 5530). */
    private static final Set<String> NOT_OF_ONE_MESSAGE =
            Set.of("OVERQUOTA", "NOPERM", "TRYCREATE", "READ-ONLY", "BAD", "UNKNOWN-CTE", "PRIVACYREQUIRED");

    private final ImapConnection connection;
    private boolean open = true;
    private Optional<SelectedMailbox> selected = Optional.empty();

    private ImapMailServer(ImapConnection connection) {
        this.connection = connection;
    }

    /** @throws ServerException if it can not be reached or refuses the login */
    public static ImapMailServer open(ImapClient client, AccountSettings.Imap settings, Credential credential) {
        return new ImapMailServer(client.open(settings.imap(), settings.username(), credential)
                .await()
                .atMost(COMMAND_TIME_MAX));
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            connection.logout().subscribe().with(done -> {}, failure -> {});
        }
    }

    @Override
    public Answers carryOut(List<FoldedWish> wishes, Known known) {
        var abilities = new Abilities(
                connection.capabilities().has("MOVE"),
                connection.capabilities().has("UIDPLUS")
                        || connection.capabilities().has("IMAP4REV2"),
                connection.capabilities().has("X-GM-EXT-1"));
        ImapPlan plan = ImapPlan.of(wishes, known, abilities);
        var progress = new Progress(wishes, plan);
        Optional<ServerFailure> lost = Optional.empty();
        try {
            for (MailboxWork work : plan.work()) {
                new MailboxRun(work, progress, known).run();
            }
        } catch (ServerException e) {
            open = false;
            connection.close();
            lost = Optional.of(e.failure());
        }
        return new Answers(progress.answers(), lost, progress.changing);
    }

    @Override
    public Answer carryOut(MailboxWish wish, Known known) {
        try {
            String prefix = await(connection.namespace())
                    .flatMap(namespaces -> namespaces.personal().stream().findFirst())
                    .map(Namespaces.Namespace::prefix)
                    .orElse("");
            var mailboxes = new ImapMailboxes(await(connection.list()), prefix, connection::nameOf);
            return carryOut(mailboxes.step(wish, known));
        } catch (ServerException e) {
            if (e.failure() instanceof ServerFailure.Rejected) {
                return new Answer.Failed(e.failure());
            }
            open = false;
            connection.close();
            throw e;
        }
    }

    private Answer carryOut(ImapMailboxes.Step step) {
        switch (step) {
            case ImapMailboxes.Step.Settled(var answer) -> {
                return answer;
            }
            case ImapMailboxes.Step.Create(var name) -> {
                await(connection.create(name));
                subscribe(name);
            }
            case ImapMailboxes.Step.Rename(var from, var to) -> {
                leave();
                await(connection.rename(from, to));
                subscribe(to);
            }
            case ImapMailboxes.Step.Delete(var name, var onlyIfEmpty) -> {
                leave();
                if (onlyIfEmpty && await(connection.status(name)).messages().orElse(1) > 0) {
                    return new Answer.Failed(
                            new ServerFailure.Rejected("mailboxHasEmail", "there are emails in the mailbox"));
                }
                await(connection.delete(name));
            }
        }
        return Answer.DONE;
    }

    /** A mailbox that is selected may not be renamed or deleted everywhere. */
    private void leave() {
        if (selected.isPresent()) {
            selected = Optional.empty();
            await(connection.unselect());
        }
    }

    /** It is done whether or not the server keeps subscriptions. */
    private void subscribe(MailboxName name) {
        try {
            await(connection.subscribe(name));
        } catch (ServerException e) {
            if (!(e.failure() instanceof ServerFailure.Rejected)) {
                throw e;
            }
        }
    }

    /** What has become of the wishes so far. */
    private static final class Progress {
        private final Map<EmailId, FoldedWish> wishes = new HashMap<>();
        private final Map<EmailId, Answer> answers;
        /** Whether a command was sent that changes something. */
        private boolean changing;
        /** Commands still to come, by email. */
        private final Map<EmailId, Integer> open = new HashMap<>();
        /** Emails of whose messages at least one was there. */
        private final Set<EmailId> met = new HashSet<>();
        /** Emails that are only taken out of mailboxes: where they are not, that is as wished. */
        private final Set<EmailId> onlyRemoved = new HashSet<>();

        Progress(List<FoldedWish> wishes, ImapPlan plan) {
            wishes.forEach(wish -> this.wishes.put(wish.emailId(), wish));
            answers = new HashMap<>(plan.settled());
            for (MailboxWork work : plan.work()) {
                onlyRemoved.addAll(work.uids().values());
            }
            for (MailboxWork work : plan.work()) {
                for (Action action : work.actions()) {
                    boolean removes = action instanceof Action.MarkDeleted
                            || action instanceof Action.Expunge
                            || action instanceof Action.MoveAndDestroy;
                    for (long uid : action.uids()) {
                        EmailId email = work.uids().get(uid);
                        open.merge(email, 1, Integer::sum);
                        if (!removes) {
                            onlyRemoved.remove(email);
                        }
                    }
                }
            }
        }

        boolean isOpen(EmailId email) {
            return !answers.containsKey(email);
        }

        FoldedWish wish(EmailId email) {
            return wishes.get(email);
        }

        void meet(EmailId email) {
            met.add(email);
        }

        void done(EmailId email) {
            if (open.merge(email, -1, Integer::sum) == 0 && isOpen(email)) {
                answers.put(email, met.contains(email) || isRemoved(email) ? Answer.DONE : notThere());
            }
        }

        void fail(EmailId email, ServerFailure failure) {
            answers.putIfAbsent(email, new Answer.Failed(failure));
        }

        Map<EmailId, Answer> answers() {
            return answers;
        }

        /** It may have been moved, and the fetcher tells us soon; or an earlier try has removed it, and it stays gone. */
        private boolean isRemoved(EmailId email) {
            return onlyRemoved.contains(email) && wishes.get(email).isLastTryOnFreshState();
        }

        private static Answer notThere() {
            return new Answer.Failed(notWhereItWas());
        }

        static ServerFailure notWhereItWas() {
            return new ServerFailure.Conflict("the email is no longer where it was: somebody moved or destroyed it");
        }
    }

    /** The work in one mailbox. */
    private final class MailboxRun {
        private final MailboxWork work;
        private final Progress progress;
        private final Known known;
        private final Map<Long, Set<ImapFlag>> flags = new HashMap<>();
        /** Where it is known that nobody but us changed the message since. */
        private final Map<Long, Long> modSeqs = new HashMap<>();

        private MailboxRun(MailboxWork work, Progress progress, Known known) {
            this.work = work;
            this.progress = progress;
            this.known = known;
        }

        private void run() {
            try {
                if (findMessages()) {
                    act(lookInTargets());
                }
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                failAll(e.failure());
            }
        }

        /**
         * A mailbox that is still open from an earlier flush may have been deleted and made again since. Its UIDs are still those of the
         * old one (RFC 9051 section 2.3.1.1), so no other message is met; James refuses all commands there. What is missed there is
         * looked for in the mailbox that has the name now.
         */
        private boolean findMessages() {
            boolean openFromBefore = isOpenForWriting(work.mailbox());
            if (!selectAsKnown()) {
                return false;
            }
            try {
                look();
                if (!openFromBefore || flags.keySet().containsAll(work.uids().keySet())) {
                    return true;
                }
            } catch (ServerException e) {
                if (!openFromBefore || !(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
            }
            selected = Optional.empty();
            if (!selectAsKnown()) {
                return false;
            }
            look();
            return true;
        }

        private void act(Map<MailboxName, Set<Long>> already) {
            for (Action action : work.actions()) {
                switch (action) {
                    case Action.Store store -> store(store);
                    case Action.Copy copy ->
                        transfer(
                                copy.target(),
                                copy.uids(),
                                already,
                                uids -> await(connection.uidCopy(uids, copy.target())));
                    case Action.Move move ->
                        transfer(
                                move.target(),
                                move.uids(),
                                already,
                                uids -> await(connection.uidMove(uids, move.target())));
                    case Action.MarkDeleted delete -> markDeleted(delete);
                    case Action.Expunge expunge ->
                        inChunks(present(expunge.uids()), uids -> await(connection.uidExpunge(uids)));
                    case Action.Label label ->
                        inChunks(
                                present(label.uids()),
                                uids -> await(connection.uidStoreLabels(uids, label.mode(), label.labels())));
                    case Action.MoveAndLabel move ->
                        moveAnd(
                                move.target(),
                                move.uids(),
                                uids -> await(connection.uidStoreLabels(uids, StoreMode.ADD, move.labels())));
                    case Action.MoveAndDestroy move ->
                        moveAnd(move.trash(), move.uids(), uids -> {
                            await(connection.uidStore(
                                    uids, StoreMode.ADD, Set.of(ImapFlag.DELETED), OptionalLong.empty()));
                            await(connection.uidExpunge(uids));
                        });
                }
                action.uids().forEach(uid -> progress.done(work.uids().get(uid)));
            }
        }

        private boolean selectAsKnown() {
            SelectedMailbox mailbox;
            try {
                mailbox = selectForWriting(work.mailbox());
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                // Renamed or deleted: the fetcher will find out.
                failAll(new ServerFailure.Conflict("the mailbox "
                        + work.mailbox().displayName() + " can not be opened: "
                        + e.failure().text()));
                return false;
            }
            if (mailbox.readOnly()) {
                failAll(new ServerFailure.Rejected(
                        "NOPERM", "the mailbox " + work.mailbox().displayName() + " can only be read"));
                return false;
            }
            if (mailbox.uidValidity().orElse(0) != work.uidValidity()) {
                failAll(new ServerFailure.CursorLost(
                        "the mailbox " + work.mailbox().displayName() + " was renumbered (UIDVALIDITY)"));
                return false;
            }
            return true;
        }

        /** Servers answer OK to commands on messages that are gone: so ask what is there. */
        private void look() {
            boolean withModSeq = connection.condstoreEnabled()
                    && selected.orElseThrow().highestModSeq().isPresent();
            FetchItems items =
                    withModSeq ? FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ) : FetchItems.of(FetchItems.FLAGS);
            for (List<Long> uids : UidSets.chunks(work.uids().keySet())) {
                for (FetchedMessage message : fetchThere(uids, items)) {
                    EmailId email = work.uids().get(message.uid());
                    if (email == null) {
                        continue;
                    }
                    progress.meet(email);
                    flags.put(message.uid(), message.flags().orElse(Set.of()));
                    message.modSeq().ifPresent(modSeq -> modSeqs.put(message.uid(), modSeq));
                }
            }
        }

        /** James refuses a set of UIDs of which none is there (RFC 9051 section 6.4.9 says it must not): so find out which are. */
        private List<FetchedMessage> fetchThere(List<Long> uids, FetchItems items) {
            try {
                return fetch(UidSets.ranges(uids), items);
            } catch (ServerException e) {
                if (!(e.failure() instanceof ServerFailure.Rejected)) {
                    throw e;
                }
                List<UidRange> all = await(connection.uidSearchAll());
                List<Long> there =
                        uids.stream().filter(uid -> contains(all, uid)).toList();
                return there.isEmpty() ? List.of() : fetch(UidSets.ranges(there), items);
            }
        }

        private void store(Action.Store store) {
            Set<Long> uids = new TreeSet<>();
            for (long uid : present(store.uids())) {
                Set<ImapFlag> now = flags.get(uid);
                boolean asWished = store.mode() == StoreMode.ADD
                        ? now.containsAll(store.flags())
                        : store.flags().stream().noneMatch(now::contains);
                if (!asWished) {
                    uids.add(uid);
                }
            }
            Optional<ImapFlag> notKept = store.flags().stream()
                    .filter(flag -> !selected.orElseThrow().canStore(flag))
                    .findFirst();
            if (notKept.isPresent()) {
                uids.forEach(uid -> fail(
                        uid,
                        new ServerFailure.Rejected(
                                "CANNOT",
                                "the mailbox " + work.mailbox().displayName() + " does not keep the keyword "
                                        + notKept.get() + " (PERMANENTFLAGS)")));
                return;
            }
            inChunks(uids, ranges -> {
                StoreResult result =
                        await(connection.uidStore(ranges, store.mode(), store.flags(), OptionalLong.empty()));
                changedByUs(ranges, result);
            });
        }

        /** After our own change a message's mod-sequence is the one reported; unknown if none was. */
        private void changedByUs(List<UidRange> ranges, StoreResult result) {
            modSeqs.keySet().removeIf(uid -> contains(ranges, uid));
            modSeqs.putAll(result.modSeqs());
        }

        /** @param already by target, the UIDs that are already there: an earlier try did it */
        private void transfer(
                MailboxName target,
                Collection<Long> uids,
                Map<MailboxName, Set<Long>> already,
                Consumer<List<UidRange>> command) {
            Set<Long> there = already.getOrDefault(target, Set.of());
            for (long uid : uids) {
                if (!flags.containsKey(uid) && !there.contains(uid)) {
                    fail(uid, Progress.notWhereItWas());
                } else if (there.contains(uid)) {
                    progress.meet(work.uids().get(uid));
                }
            }
            Set<Long> rest = present(uids);
            rest.removeAll(there);
            inChunks(rest, command);
        }

        /** Moves on Gmail and goes on where the messages are now, with those that by X-GM-MSGID are the ones that were meant. */
        private void moveAnd(MailboxName target, Collection<Long> uids, Consumer<List<UidRange>> then) {
            List<UidRange> targets = new ArrayList<>();
            transfer(
                    target,
                    uids,
                    Map.of(),
                    ranges -> await(connection.uidMove(ranges, target))
                            .forEach(copied -> targets.addAll(copied.targets())));
            Map<String, Long> meant = new HashMap<>();
            for (long uid : present(uids)) {
                known.email(work.uids().get(uid))
                        .flatMap(Known.KnownEmail::identity)
                        .ifPresent(identity -> meant.put(identity, uid));
            }
            Set<Long> found = new TreeSet<>();
            if (!targets.isEmpty() && !meant.isEmpty()) {
                select(target, false);
                fetch(targets, FetchItems.of(FetchItems.GMAIL_MESSAGE_ID))
                        .forEach(message -> message.gmail()
                                .flatMap(FetchedMessage.Gmail::messageId)
                                .map(id -> meant.remove("gm:" + id))
                                .ifPresent(uid -> found.add(message.uid())));
                UidSets.chunks(found).forEach(chunk -> then.accept(UidSets.ranges(chunk)));
            }
            meant.values()
                    .forEach(uid -> fail(
                            uid,
                            new ServerFailure.Conflict("it was moved to " + target.displayName()
                                    + "; the rest is done when it has been seen there")));
        }

        private void markDeleted(Action.MarkDeleted delete) {
            inChunks(present(delete.uids()), ranges -> {
                OptionalLong unchangedSince = newestModSeq(ranges);
                StoreResult result =
                        await(connection.uidStore(ranges, StoreMode.ADD, Set.of(ImapFlag.DELETED), unchangedSince));
                for (long uid : present(delete.uids())) {
                    if (contains(result.modified(), uid)) {
                        fail(uid, new ServerFailure.Conflict("somebody changed the email at the same time (MODIFIED)"));
                    }
                }
            });
        }

        /**
         * A later change of any of the messages has a higher mod-sequence than the mailbox had when we looked, so one value
         * serves for all. Empty if one is not known.
         */
        private OptionalLong newestModSeq(List<UidRange> ranges) {
            long newest = 0;
            for (long uid : work.uids().keySet()) {
                if (contains(ranges, uid)) {
                    Long modSeq = modSeqs.get(uid);
                    if (modSeq == null) {
                        return OptionalLong.empty();
                    }
                    newest = Math.max(newest, modSeq);
                }
            }
            return newest == 0 ? OptionalLong.empty() : OptionalLong.of(newest);
        }

        /**
         * Which messages an earlier try already put into their target: same Message-ID and size, or where there is no Message-ID the
         * same size, INTERNALDATE (COPY keeps it, RFC 9051 section 6.4.7) and header. Only of wishes that were tried before.
         */
        private Map<MailboxName, Set<Long>> lookInTargets() {
            Map<MailboxName, Set<Long>> suspects = new HashMap<>();
            for (Action action : work.actions()) {
                Set<Long> uids = new TreeSet<>(action.uids());
                uids.removeIf(uid -> !progress.wish(work.uids().get(uid)).triedBefore());
                if (uids.isEmpty()) {
                    continue;
                }
                switch (action) {
                    case Action.Copy copy ->
                        suspects.computeIfAbsent(copy.target(), t -> new TreeSet<>())
                                .addAll(uids);
                    case Action.Move move -> {
                        // A message that is still here has not been moved.
                        uids.removeAll(flags.keySet());
                        if (!uids.isEmpty()) {
                            suspects.computeIfAbsent(move.target(), t -> new TreeSet<>())
                                    .addAll(uids);
                        }
                    }
                    case Action.Store store -> {}
                    case Action.MarkDeleted delete -> {}
                    case Action.Expunge expunge -> {}
                    case Action.Label label -> {}
                    // Where it is now the fetcher tells us, for X-GM-MSGID stays.
                    case Action.MoveAndLabel move -> {}
                    case Action.MoveAndDestroy move -> {}
                }
            }
            if (suspects.isEmpty()) {
                return Map.of();
            }
            Set<Long> all = new TreeSet<>();
            suspects.values().forEach(all::addAll);
            Map<Long, FetchedMessage> sources = new HashMap<>();
            for (List<Long> uids : UidSets.chunks(present(all))) {
                fetch(UidSets.ranges(uids), FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE))
                        .forEach(message -> sources.put(message.uid(), message));
            }
            Map<Long, byte[]> headers = headers(sources.keySet().stream()
                    .filter(uid -> messageId(uid).isEmpty())
                    .toList());
            Map<MailboxName, Set<Long>> already = new HashMap<>();
            suspects.forEach((target, uids) -> {
                if (selectIfThere(target)) {
                    // Each of several that are alike needs one of its own.
                    Set<Long> taken = new HashSet<>();
                    for (long uid : uids) {
                        candidates(messageId(uid), Optional.ofNullable(sources.get(uid)), headers.get(uid)).stream()
                                .filter(taken::add)
                                .findFirst()
                                .ifPresent(copy -> already.computeIfAbsent(target, t -> new HashSet<>())
                                        .add(uid));
                    }
                }
            });
            selectForWriting(work.mailbox());
            return already;
        }

        private Optional<String> messageId(long uid) {
            return known.email(work.uids().get(uid)).flatMap(Known.KnownEmail::messageId);
        }

        /**
         * UIDs in the selected mailbox that may be the copy.
         *
         * @param source empty if the message has left its mailbox
         * @param header of the source; null if it has a Message-ID, or the server did not give it: then nothing is taken for its copy
         */
        private List<Long> candidates(Optional<String> messageId, Optional<FetchedMessage> source, byte[] header) {
            if (messageId.isEmpty() && (source.isEmpty() || source.get().size().isEmpty())) {
                return List.of();
            }
            List<UidRange> found = messageId.isPresent()
                    ? await(connection.uidSearchMessageId("<" + messageId.get() + ">"))
                    : await(connection.uidSearchSize(source.get().size().getAsLong()));
            if (found.isEmpty()) {
                return List.of();
            }
            List<Long> alike = fetch(found, FetchItems.of(FetchItems.SIZE, FetchItems.INTERNAL_DATE)).stream()
                    .filter(message -> source.isEmpty()
                            || message.size().equals(source.get().size())
                                    && (messageId.isPresent()
                                            || message.internalDate()
                                                    .equals(source.get().internalDate())))
                    .map(FetchedMessage::uid)
                    .toList();
            if (messageId.isPresent()) {
                return alike;
            }
            Map<Long, byte[]> headers = headers(alike);
            return alike.stream()
                    .filter(uid -> header != null && Arrays.equals(headers.get(uid), header))
                    .toList();
        }

        private Map<Long, byte[]> headers(Collection<Long> uids) {
            Map<Long, byte[]> headers = new HashMap<>();
            for (List<Long> chunk : UidSets.chunks(uids)) {
                fetch(UidSets.ranges(chunk), FetchItems.of(FetchItems.HEADER))
                        .forEach(message -> message.header().ifPresent(header -> headers.put(message.uid(), header)));
            }
            return headers;
        }

        private Set<Long> present(Collection<Long> uids) {
            Set<Long> present = new TreeSet<>();
            for (long uid : uids) {
                if (flags.containsKey(uid) && progress.isOpen(work.uids().get(uid))) {
                    present.add(uid);
                }
            }
            return present;
        }

        private void inChunks(Collection<Long> uids, Consumer<List<UidRange>> command) {
            int[] halvings = {HALVINGS_MAX};
            for (List<Long> chunk : UidSets.chunks(uids)) {
                send(chunk, command, halvings);
            }
        }

        private void send(List<Long> uids, Consumer<List<UidRange>> command, int[] halvings) {
            try {
                progress.changing = true;
                command.accept(UidSets.ranges(uids));
            } catch (ServerException e) {
                if (e.failure() instanceof ServerFailure.Rejected rejected) {
                    if (uids.size() > 1 && halvings[0] > 0 && !NOT_OF_ONE_MESSAGE.contains(rejected.code())) {
                        halvings[0]--;
                        send(uids.subList(0, uids.size() / 2), command, halvings);
                        send(uids.subList(uids.size() / 2, uids.size()), command, halvings);
                    } else {
                        uids.forEach(uid -> fail(uid, rejected));
                    }
                    return;
                }
                if (e.failure() instanceof ServerFailure.OutcomeUnknown) {
                    uids.forEach(uid -> fail(uid, e.failure()));
                    throw new ServerException(
                            new ServerFailure.Unreachable(e.failure().text()), e);
                }
                throw e;
            }
        }

        private void fail(long uid, ServerFailure failure) {
            progress.fail(work.uids().get(uid), failure);
        }

        private void failAll(ServerFailure failure) {
            work.uids().values().forEach(email -> progress.fail(email, failure));
        }
    }

    private SelectedMailbox selectForWriting(MailboxName mailbox) {
        return isOpenForWriting(mailbox) ? selected.orElseThrow() : select(mailbox, false);
    }

    private boolean isOpenForWriting(MailboxName mailbox) {
        return selected.filter(open -> open.name().equals(mailbox) && !open.readOnly())
                .isPresent();
    }

    /** False if there is no such mailbox. */
    private boolean selectIfThere(MailboxName mailbox) {
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

    private SelectedMailbox select(MailboxName mailbox, boolean readOnly) {
        selected = Optional.empty();
        selected = Optional.of(await(connection.select(mailbox, readOnly)));
        return selected.get();
    }

    private List<FetchedMessage> fetch(List<UidRange> uids, FetchItems items) {
        return await(connection.uidFetch(uids, items).collect().asList());
    }

    private static <T> T await(Uni<T> command) {
        try {
            return command.await().atMost(COMMAND_TIME_MAX);
        } catch (TimeoutException e) {
            throw new ServerException(
                    new ServerFailure.OutcomeUnknown("no answer within " + COMMAND_TIME_MAX.toMinutes() + " minutes"),
                    e);
        }
    }

    private static boolean contains(List<UidRange> ranges, long uid) {
        for (UidRange range : ranges) {
            if (range.first() <= uid && uid <= range.last()) {
                return true;
            }
        }
        return false;
    }
}
