package org.postbus.outbound.imap;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.ImapFlag;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.model.EmailId;
import org.postbus.model.Keyword;
import org.postbus.model.MailboxId;
import org.postbus.outbound.FoldedWish;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer.Answer;
import org.postbus.outbound.Wish.Change;

/**
 * The fewest IMAP commands that carry folded wishes out, mailbox by mailbox. Pure: it knows what the database knew, so
 * whoever runs it looks first whether the messages are still where it says.
 *
 * <p>Within a mailbox the order is: flags, labels, copies, moves, {@code \Deleted}, expunge. An email gets its keywords before it
 * is moved, and it is in its new mailboxes before it leaves an old one; so wherever this breaks off, no message is lost and
 * doing it again does the rest.
 *
 * @param work in the order of the mailboxes' names
 * @param settled wishes that need no command, or that can not be carried out
 */
record ImapPlan(List<MailboxWork> work, Map<EmailId, Answer> settled) {
    ImapPlan {
        work = List.copyOf(work);
        settled = Map.copyOf(settled);
    }

    /** What the server can do beyond IMAP4rev1: MOVE (RFC 6851), UIDPLUS (RFC 4315), and Gmail's labels (X-GM-EXT-1). */
    record Abilities(boolean move, boolean uidPlus, boolean labels) {}

    /**
     * What is to be done in one mailbox.
     *
     * @param uids every UID that an action names, and whose it is
     */
    record MailboxWork(MailboxName mailbox, long uidValidity, SortedMap<Long, EmailId> uids, List<Action> actions) {
        MailboxWork {
            uids = Collections.unmodifiableSortedMap(new TreeMap<>(uids));
            actions = List.copyOf(actions);
        }
    }

    /** One command; cut into several where it names more messages than one may carry. */
    sealed interface Action {
        SortedSet<Long> uids();

        /** UID STORE ±FLAGS.SILENT. */
        record Store(StoreMode mode, Set<ImapFlag> flags, SortedSet<Long> uids) implements Action {
            public Store {
                flags = Collections.unmodifiableSet(new TreeSet<>(flags));
            }
        }

        /** UID COPY. The only action that does more when it is done twice. */
        record Copy(MailboxName target, SortedSet<Long> uids) implements Action {}

        /** UID MOVE. */
        record Move(MailboxName target, SortedSet<Long> uids) implements Action {}

        /** UID STORE +FLAGS.SILENT (\Deleted), of messages that nobody changed since we looked. */
        record MarkDeleted(SortedSet<Long> uids) implements Action {}

        /** UID EXPUNGE. Where there is none, the messages keep their {@code \Deleted}: EXPUNGE would destroy others' too. */
        record Expunge(SortedSet<Long> uids) implements Action {}

        /** UID STORE ±X-GM-LABELS. */
        record Label(StoreMode mode, Set<GmailLabel> labels, SortedSet<Long> uids) implements Action {
            public Label {
                labels = Collections.unmodifiableSet(new TreeSet<>(labels));
            }
        }

        /** UID MOVE on Gmail, and there UID STORE +X-GM-LABELS. */
        record MoveAndLabel(MailboxName target, Set<GmailLabel> labels, SortedSet<Long> uids) implements Action {
            public MoveAndLabel {
                labels = Collections.unmodifiableSet(new TreeSet<>(labels));
            }
        }

        /** UID MOVE to Gmail's Trash, and there {@code \Deleted} and UID EXPUNGE. */
        record MoveAndDestroy(MailboxName trash, SortedSet<Long> uids) implements Action {}
    }

    static ImapPlan of(List<FoldedWish> wishes, Known known, Abilities abilities) {
        Builder plan = new Builder(known, abilities);
        wishes.forEach(plan::add);
        return plan.build();
    }

    private record Place(MailboxName mailbox, long uidValidity) {}

    /** Collects what is to be done, mailbox by mailbox. */
    static final class Builder {
        private static final String GONE = "the email is no longer on the server";

        private final Known known;
        private final Abilities abilities;
        private final Map<Place, Actions> places = new HashMap<>();
        private final Map<EmailId, Answer> settled = new HashMap<>();

        private Builder(Known known, Abilities abilities) {
            this.known = known;
            this.abilities = abilities;
        }

        private void add(FoldedWish wish) {
            Optional<Known.KnownEmail> email = known.email(wish.emailId());
            Optional<Answer> answer =
                    switch (wish.change()) {
                        case Change.Destroy destroy -> destroy(wish, email);
                        case Change.Update update ->
                            email.isEmpty()
                                    ? failed(new ServerFailure.Rejected("notFound", GONE))
                                    : update(wish.emailId(), email.get(), update);
                    };
            answer.ifPresent(settledAnswer -> settled.put(wish.emailId(), settledAnswer));
        }

        /** An email that is gone is as wished. One in no mailbox may be on its way to another: that is waited for. */
        private Optional<Answer> destroy(FoldedWish wish, Optional<Known.KnownEmail> email) {
            if (email.isEmpty()) {
                return Optional.of(Answer.DONE);
            }
            if (email.get().links().isEmpty()) {
                return inNoMailbox();
            }
            if (abilities.labels()) {
                return GmailWishes.destroy(this, known, wish.emailId(), email.get());
            }
            email.get().links().forEach(link -> delete(wish.emailId(), link));
            return Optional.empty();
        }

        private Optional<Answer> update(EmailId emailId, Known.KnownEmail email, Change.Update update) {
            if (email.links().isEmpty()) {
                return inNoMailbox();
            }
            if (abilities.labels() && GmailWishes.liesInOnePlace(known, email)) {
                return GmailWishes.update(this, known, emailId, email, update);
            }
            Set<MailboxId> present = new TreeSet<>();
            email.links().forEach(link -> present.add(link.mailboxId()));
            List<MailboxId> added = new ArrayList<>();
            Set<MailboxId> left = new TreeSet<>();
            new TreeMap<>(update.mailboxIds()).forEach((mailbox, set) -> {
                if (set && !present.contains(mailbox)) {
                    added.add(mailbox);
                } else if (!set && present.contains(mailbox)) {
                    left.add(mailbox);
                }
            });
            if (added.isEmpty() && left.size() == present.size()) {
                return failed(new ServerFailure.Rejected(
                        "invalidProperties", "an email must be in a mailbox; to be rid of it, destroy it"));
            }
            List<MailboxName> targets = new ArrayList<>();
            for (MailboxId mailbox : added) {
                Optional<MailboxName> target = known.mailbox(mailbox)
                        .filter(Known.KnownMailbox::selectable)
                        .flatMap(Known.KnownMailbox::rawName)
                        .map(MailboxName::new);
                if (target.isEmpty()) {
                    return failed(new ServerFailure.Rejected(
                            "invalidProperties", "there is no mailbox " + mailbox.value() + " that can hold emails"));
                }
                targets.add(target.get());
            }
            // The mailbox that the copies are taken from; if the email leaves one, it is moved from there.
            Known.Link source = email.links().stream()
                    .filter(link -> left.isEmpty() || left.contains(link.mailboxId()))
                    .findFirst()
                    .orElseThrow();
            for (Known.Link link : email.links()) {
                boolean leaves = left.contains(link.mailboxId());
                boolean movedFrom = leaves && link.mailboxId().equals(source.mailboxId()) && !targets.isEmpty();
                if (!leaves || movedFrom) {
                    storeKeywords(emailId, link, update.keywords());
                }
                if (movedFrom) {
                    move(emailId, link, targets.getLast());
                } else if (leaves) {
                    delete(emailId, link);
                }
            }
            List<MailboxName> copies = left.isEmpty() ? targets : targets.subList(0, Math.max(0, targets.size() - 1));
            copies.forEach(target -> at(emailId, source)
                    .copies
                    .computeIfAbsent(target, t -> new TreeSet<>())
                    .add(source.uid()));
            return targets.isEmpty() && left.isEmpty() && update.keywords().isEmpty()
                    ? Optional.of(Answer.DONE)
                    : Optional.empty();
        }

        void storeKeywords(EmailId emailId, Known.Link link, Map<Keyword, Boolean> keywords) {
            Map<StoreMode, Set<ImapFlag>> flags = new TreeMap<>();
            keywords.forEach((keyword, set) -> flags.computeIfAbsent(
                            set ? StoreMode.ADD : StoreMode.REMOVE, mode -> new TreeSet<>())
                    .add(ImapFlag.of(keyword)));
            flags.forEach((mode, set) -> at(emailId, link)
                    .stores
                    .computeIfAbsent(new Actions.FlagSet(mode, set), key -> new TreeSet<>())
                    .add(link.uid()));
        }

        void move(EmailId emailId, Known.Link link, MailboxName target) {
            Actions actions = at(emailId, link);
            if (abilities.move()) {
                actions.moves.computeIfAbsent(target, t -> new TreeSet<>()).add(link.uid());
            } else {
                actions.copies.computeIfAbsent(target, t -> new TreeSet<>()).add(link.uid());
                actions.deletes.add(link.uid());
            }
        }

        void label(EmailId emailId, Known.Link link, StoreMode mode, GmailLabel label) {
            at(emailId, link)
                    .labels
                    .computeIfAbsent(new Actions.LabelChange(mode, label), key -> new TreeSet<>())
                    .add(link.uid());
        }

        void moveAndLabel(EmailId emailId, Known.Link link, MailboxName target, Set<GmailLabel> labels) {
            at(emailId, link)
                    .labelledMoves
                    .computeIfAbsent(new Actions.LabelledMove(target, Set.copyOf(labels)), key -> new TreeSet<>())
                    .add(link.uid());
        }

        void moveAndDestroy(EmailId emailId, Known.Link link, MailboxName trash) {
            at(emailId, link)
                    .destroyingMoves
                    .computeIfAbsent(trash, key -> new TreeSet<>())
                    .add(link.uid());
        }

        void delete(EmailId emailId, Known.Link link) {
            at(emailId, link).deletes.add(link.uid());
        }

        private Actions at(EmailId emailId, Known.Link link) {
            Known.KnownMailbox mailbox = known.mailbox(link.mailboxId()).orElseThrow();
            String rawName = mailbox.rawName()
                    .orElseThrow(() -> new IllegalStateException("an IMAP mailbox without its name: " + mailbox.key()));
            Actions actions = places.computeIfAbsent(
                    new Place(new MailboxName(rawName), link.uidValidity()), place -> new Actions());
            actions.uids.put(link.uid(), emailId);
            return actions;
        }

        private ImapPlan build() {
            List<MailboxWork> work = new ArrayList<>();
            places.forEach((place, actions) -> work.add(new MailboxWork(
                    place.mailbox(), place.uidValidity(), actions.uids, actions.inOrder(abilities.uidPlus()))));
            work.sort((a, b) -> a.mailbox().compareTo(b.mailbox()));
            return new ImapPlan(work, settled);
        }

        /**
         * It was moved by somebody and has not been seen where it is, or its mailbox was renumbered and is being read anew. Whoever
         * waits learns which: its row has a place again, or is gone.
         */
        static Optional<Answer> inNoMailbox() {
            return failed(new ServerFailure.CursorLost("the email left its mailbox and has not turned up in another"));
        }

        static Optional<Answer> failed(ServerFailure failure) {
            return Optional.of(new Answer.Failed(failure));
        }
    }

    /** One mailbox's actions while they are being collected; groups stay in the order in which they first occur. */
    private static final class Actions {
        private record FlagSet(StoreMode mode, Set<ImapFlag> flags) {}

        private record LabelChange(StoreMode mode, GmailLabel label) {}

        private record LabelledMove(MailboxName target, Set<GmailLabel> labels) {}

        private final SortedMap<Long, EmailId> uids = new TreeMap<>();
        private final Map<FlagSet, SortedSet<Long>> stores = new LinkedHashMap<>();
        private final Map<LabelChange, SortedSet<Long>> labels = new LinkedHashMap<>();
        private final Map<MailboxName, SortedSet<Long>> copies = new TreeMap<>();
        private final Map<MailboxName, SortedSet<Long>> moves = new TreeMap<>();
        private final SortedSet<Long> deletes = new TreeSet<>();
        private final Map<LabelledMove, SortedSet<Long>> labelledMoves = new LinkedHashMap<>();
        private final Map<MailboxName, SortedSet<Long>> destroyingMoves = new TreeMap<>();

        private List<Action> inOrder(boolean uidPlus) {
            List<Action> actions = new ArrayList<>();
            stores.forEach((flags, stored) -> actions.add(new Action.Store(flags.mode(), flags.flags(), stored)));
            labels.forEach((change, labelled) ->
                    actions.add(new Action.Label(change.mode(), Set.of(change.label()), labelled)));
            copies.forEach((target, copied) -> actions.add(new Action.Copy(target, copied)));
            moves.forEach((target, moved) -> actions.add(new Action.Move(target, moved)));
            if (!deletes.isEmpty()) {
                actions.add(new Action.MarkDeleted(deletes));
                if (uidPlus) {
                    actions.add(new Action.Expunge(deletes));
                }
            }
            // These end in another mailbox, so nothing may come after them.
            labelledMoves.forEach(
                    (move, moved) -> actions.add(new Action.MoveAndLabel(move.target(), move.labels(), moved)));
            destroyingMoves.forEach((trash, moved) -> actions.add(new Action.MoveAndDestroy(trash, moved)));
            return actions;
        }
    }
}
