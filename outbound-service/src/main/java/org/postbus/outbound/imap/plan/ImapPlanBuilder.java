package org.postbus.outbound.imap.plan;

import java.util.ArrayList;
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
import org.postbus.outbound.imap.plan.ImapPlan.Abilities;
import org.postbus.outbound.imap.plan.ImapPlan.Action;
import org.postbus.outbound.imap.plan.ImapPlan.MailboxWork;
import org.postbus.outbound.mutation.EmailMutation.Change;
import org.postbus.outbound.mutation.FoldedMutation;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.ServerSnapshot;

/** Collects the actions of an {@link ImapPlan}, mailbox by mailbox. On Gmail, {@link GmailPlan} decides which. */
final class ImapPlanBuilder {
    private static final String GONE = "the email is no longer on the server";

    private final ServerSnapshot snapshot;
    private final Abilities abilities;
    private final Map<SourceMailbox, Actions> sources = new HashMap<>();
    private final Map<EmailId, Answer> settled = new HashMap<>();

    ImapPlanBuilder(ServerSnapshot snapshot, Abilities abilities) {
        this.snapshot = snapshot;
        this.abilities = abilities;
    }

    void add(FoldedMutation mutation) {
        Optional<ServerSnapshot.EmailSnapshot> email = snapshot.email(mutation.emailId());
        Optional<Answer> answer =
                switch (mutation.change()) {
                    case Change.Destroy destroy -> destroy(mutation, email);
                    case Change.Update update ->
                        email.isEmpty()
                                ? failed(new ServerFailure.Rejected("notFound", GONE))
                                : update(mutation.emailId(), email.get(), update);
                };
        answer.ifPresent(settledAnswer -> settled.put(mutation.emailId(), settledAnswer));
    }

    /**
     * A missing row does not show that the message is gone: only if an earlier attempt may have destroyed it, that attempt has. An email that is
     * in no mailbox may be moving to another, which must be waited for.
     */
    private Optional<Answer> destroy(FoldedMutation mutation, Optional<ServerSnapshot.EmailSnapshot> email) {
        if (email.isEmpty()) {
            return mutation.interruptedBefore()
                    ? Optional.of(Answer.DONE)
                    : failed(new ServerFailure.Rejected("notFound", GONE));
        }
        if (email.get().locations().isEmpty()) {
            return inNoMailbox();
        }
        if (abilities.labels()) {
            return new GmailPlan(this, snapshot).destroy(mutation.emailId(), email.get());
        }
        email.get().locations().forEach(location -> delete(mutation.emailId(), location));
        return Optional.empty();
    }

    private Optional<Answer> update(EmailId emailId, ServerSnapshot.EmailSnapshot email, Change.Update update) {
        if (email.locations().isEmpty()) {
            return inNoMailbox();
        }
        if (abilities.labels() && GmailPlan.isLabelled(snapshot, email)) {
            return new GmailPlan(this, snapshot).update(emailId, email, update);
        }
        Set<MailboxId> present = new TreeSet<>();
        email.locations().forEach(location -> present.add(location.mailboxId()));
        List<MailboxId> added = new ArrayList<>();
        Set<MailboxId> removed = new TreeSet<>();
        new TreeMap<>(update.mailboxIds()).forEach((mailbox, set) -> {
            if (set && !present.contains(mailbox)) {
                added.add(mailbox);
            } else if (!set && present.contains(mailbox)) {
                removed.add(mailbox);
            }
        });
        if (added.isEmpty() && removed.size() == present.size()) {
            return failed(new ServerFailure.Rejected(
                    "invalidProperties", "an email must be in at least one mailbox; destroy it instead"));
        }
        List<MailboxName> targets = new ArrayList<>();
        for (MailboxId mailbox : added) {
            Optional<MailboxName> target = snapshot.mailbox(mailbox)
                    .filter(ServerSnapshot.MailboxSnapshot::selectable)
                    .flatMap(ServerSnapshot.MailboxSnapshot::rawName)
                    .map(MailboxName::new);
            if (target.isEmpty()) {
                return failed(new ServerFailure.Rejected(
                        "invalidProperties", "there is no mailbox " + mailbox.value() + " that can hold emails"));
            }
            targets.add(target.get());
        }
        // The mailbox that the email is copied from. If the email is removed from a mailbox, it is moved from there.
        ServerSnapshot.Location source = email.locations().stream()
                .filter(location -> removed.isEmpty() || removed.contains(location.mailboxId()))
                .findFirst()
                .orElseThrow();
        for (ServerSnapshot.Location location : email.locations()) {
            boolean isRemoved = removed.contains(location.mailboxId());
            boolean movedFrom = isRemoved && location.mailboxId().equals(source.mailboxId()) && !targets.isEmpty();
            if (!isRemoved || movedFrom) {
                storeKeywords(emailId, location, update.keywords());
            }
            if (movedFrom) {
                move(emailId, location, targets.getLast());
            } else if (isRemoved) {
                delete(emailId, location);
            }
        }
        List<MailboxName> copies = removed.isEmpty() ? targets : targets.subList(0, Math.max(0, targets.size() - 1));
        copies.forEach(target -> at(emailId, source)
                .copies
                .computeIfAbsent(target, t -> new TreeSet<>())
                .add(source.uid()));
        if (targets.isEmpty() && removed.isEmpty() && update.keywords().isEmpty()) {
            check(emailId, source);
        }
        return Optional.empty();
    }

    /** Nothing is to be done, but only the server shows that the message exists. */
    void check(EmailId emailId, ServerSnapshot.Location location) {
        at(emailId, location).checks.add(location.uid());
    }

    void storeKeywords(EmailId emailId, ServerSnapshot.Location location, Map<Keyword, Boolean> keywords) {
        Map<StoreMode, Set<ImapFlag>> flags = new TreeMap<>();
        keywords.forEach(
                (keyword, set) -> flags.computeIfAbsent(set ? StoreMode.ADD : StoreMode.REMOVE, mode -> new TreeSet<>())
                        .add(ImapFlag.of(keyword)));
        flags.forEach((mode, set) -> at(emailId, location)
                .stores
                .computeIfAbsent(new Actions.FlagSet(mode, set), key -> new TreeSet<>())
                .add(location.uid()));
    }

    void move(EmailId emailId, ServerSnapshot.Location location, MailboxName target) {
        Actions actions = at(emailId, location);
        if (abilities.move()) {
            actions.moves.computeIfAbsent(target, t -> new TreeSet<>()).add(location.uid());
        } else {
            actions.copies.computeIfAbsent(target, t -> new TreeSet<>()).add(location.uid());
            actions.deletes.add(location.uid());
        }
    }

    void label(EmailId emailId, ServerSnapshot.Location location, StoreMode mode, GmailLabel label) {
        at(emailId, location)
                .labels
                .computeIfAbsent(new Actions.LabelChange(mode, label), key -> new TreeSet<>())
                .add(location.uid());
    }

    void moveAndLabel(EmailId emailId, ServerSnapshot.Location location, MailboxName target, Set<GmailLabel> labels) {
        at(emailId, location)
                .labelledMoves
                .computeIfAbsent(new Actions.LabelledMove(target, Set.copyOf(labels)), key -> new TreeSet<>())
                .add(location.uid());
    }

    void moveAndDestroy(EmailId emailId, ServerSnapshot.Location location, MailboxName trash) {
        at(emailId, location)
                .destroyingMoves
                .computeIfAbsent(trash, key -> new TreeSet<>())
                .add(location.uid());
    }

    void delete(EmailId emailId, ServerSnapshot.Location location) {
        at(emailId, location).deletes.add(location.uid());
    }

    private Actions at(EmailId emailId, ServerSnapshot.Location location) {
        ServerSnapshot.MailboxSnapshot mailbox =
                snapshot.mailbox(location.mailboxId()).orElseThrow();
        String rawName = mailbox.rawName()
                .orElseThrow(() -> new IllegalStateException("an IMAP mailbox without its name: " + mailbox.key()));
        Actions actions = sources.computeIfAbsent(
                new SourceMailbox(new MailboxName(rawName), location.uidValidity()), source -> new Actions());
        actions.uids.put(location.uid(), emailId);
        return actions;
    }

    ImapPlan build() {
        List<MailboxWork> work = new ArrayList<>();
        sources.forEach((source, actions) -> work.add(new MailboxWork(
                source.mailbox(), source.uidValidity(), actions.uids, actions.inOrder(abilities.uidPlus()))));
        work.sort((a, b) -> a.mailbox().compareTo(b.mailbox()));
        return new ImapPlan(work, settled);
    }

    /**
     * Another client moved the email and its new location has not been reported yet, or its mailbox's UIDVALIDITY changed and the mailbox is
     * being read again. In both cases a later attempt finds either a location or no row.
     */
    static Optional<Answer> inNoMailbox() {
        return failed(
                new ServerFailure.CursorLost("the email has left its mailbox and has not been seen in another yet"));
    }

    static Optional<Answer> failed(ServerFailure failure) {
        return Optional.of(new Answer.Failed(failure));
    }

    /** The actions in one mailbox while they are being collected; groups stay in the order in which they first occur. */
    private static final class Actions {
        private record FlagSet(StoreMode mode, Set<ImapFlag> flags) {}

        private record LabelChange(StoreMode mode, GmailLabel label) {}

        private record LabelledMove(MailboxName target, Set<GmailLabel> labels) {}

        private final SortedMap<Long, EmailId> uids = new TreeMap<>();
        private final SortedSet<Long> checks = new TreeSet<>();
        private final Map<FlagSet, SortedSet<Long>> stores = new LinkedHashMap<>();
        private final Map<LabelChange, SortedSet<Long>> labels = new LinkedHashMap<>();
        private final Map<MailboxName, SortedSet<Long>> copies = new TreeMap<>();
        private final Map<MailboxName, SortedSet<Long>> moves = new TreeMap<>();
        private final SortedSet<Long> deletes = new TreeSet<>();
        private final Map<LabelledMove, SortedSet<Long>> labelledMoves = new LinkedHashMap<>();
        private final Map<MailboxName, SortedSet<Long>> destroyingMoves = new TreeMap<>();

        private List<Action> inOrder(boolean uidPlus) {
            List<Action> actions = new ArrayList<>();
            if (!checks.isEmpty()) {
                actions.add(new Action.Check(checks));
            }
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
            // These select another mailbox, so they come last.
            labelledMoves.forEach(
                    (move, moved) -> actions.add(new Action.MoveAndLabel(move.target(), move.labels(), moved)));
            destroyingMoves.forEach((trash, moved) -> actions.add(new Action.MoveAndDestroy(trash, moved)));
            return actions;
        }
    }

    private record SourceMailbox(MailboxName mailbox, long uidValidity) {}
}
