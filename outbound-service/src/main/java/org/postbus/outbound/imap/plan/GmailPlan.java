package org.postbus.outbound.imap.plan;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.GmailLabel;
import org.postbus.mail.imap.MailboxName;
import org.postbus.mail.imap.StoreMode;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.outbound.mutation.EmailMutation.Change;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.ServerSnapshot.MailboxSnapshot;
import org.postbus.outbound.mutation.ServerSnapshot;

/**
 * What a mutation means on Gmail. There an email lies once, in All Mail, Spam or the Trash; of All Mail's emails labels say in which other
 * mailboxes they are. So mailboxes are given and taken by labels, who goes to Spam or to the Trash leaves all others, and only what lies
 * there can be destroyed: expunging elsewhere takes a label away.
 */
final class GmailPlan {
    private static final Set<MailboxRole> PLACES = Set.of(MailboxRole.ALL, MailboxRole.JUNK, MailboxRole.TRASH);

    private GmailPlan() {}

    /** False where All Mail is hidden from IMAP: then mailboxes are left and entered as on any other server. */
    static boolean liesInOnePlace(ServerSnapshot snapshot, ServerSnapshot.EmailSnapshot email) {
        return place(email).filter(link -> isPlace(snapshot, link.mailboxId())).isPresent();
    }

    private static Optional<ServerSnapshot.Location> place(ServerSnapshot.EmailSnapshot email) {
        return email.locations().stream().filter(link -> link.uid() > 0).findFirst();
    }

    static Optional<Answer> destroy(ImapPlan.Builder plan, ServerSnapshot snapshot, EmailId id, ServerSnapshot.EmailSnapshot email) {
        Optional<ServerSnapshot.Location> place = place(email);
        if (place.isEmpty()) {
            return ImapPlan.Builder.inNoMailbox();
        }
        MailboxSnapshot mailbox = snapshot.mailbox(place.get().mailboxId()).orElseThrow();
        if (mailbox.is(MailboxRole.JUNK) || mailbox.is(MailboxRole.TRASH)) {
            plan.delete(id, place.get());
            return Optional.empty();
        }
        Optional<MailboxName> trash = snapshot.mailbox(MailboxRole.TRASH).flatMap(GmailPlan::name);
        if (trash.isEmpty()) {
            return ImapPlan.Builder.failed(new ServerFailure.Rejected(
                    "noTrash",
                    "Gmail destroys only what lies in the Trash, and the Trash is hidden from IMAP: in Gmail's settings, "
                            + "under Labels, turn on Show in IMAP"));
        }
        plan.moveAndDestroy(id, place.get(), trash.get());
        return Optional.empty();
    }

    /** @param email lies in one place */
    static Optional<Answer> update(
            ImapPlan.Builder plan, ServerSnapshot snapshot, EmailId id, ServerSnapshot.EmailSnapshot email, Change.Update update) {
        ServerSnapshot.Location place = place(email).orElseThrow();
        Set<MailboxId> present = new TreeSet<>();
        email.locations().forEach(link -> present.add(link.mailboxId()));
        Map<MailboxId, MailboxSnapshot> added = new TreeMap<>();
        Set<MailboxId> left = new TreeSet<>();
        for (Map.Entry<MailboxId, Boolean> wanted : new TreeMap<>(update.mailboxIds()).entrySet()) {
            MailboxId mailbox = wanted.getKey();
            if (!wanted.getValue()) {
                if (present.contains(mailbox)) {
                    left.add(mailbox);
                }
            } else if (!present.contains(mailbox)) {
                Optional<MailboxSnapshot> target =
                        snapshot.mailbox(mailbox).filter(found -> name(found).isPresent());
                if (target.isEmpty()) {
                    return refused("there is no mailbox " + mailbox.value() + " that can hold emails");
                }
                added.put(mailbox, target.get());
            }
        }
        List<MailboxSnapshot> places = added.values().stream()
                .filter(mailbox -> PLACES.stream().anyMatch(mailbox::is))
                .toList();
        List<MailboxSnapshot> labels = added.values().stream()
                .filter(mailbox -> !places.contains(mailbox))
                .toList();
        boolean inAllMail = snapshot.mailbox(place.mailboxId()).orElseThrow().is(MailboxRole.ALL);
        List<MailboxSnapshot> away =
                places.stream().filter(mailbox -> !mailbox.is(MailboxRole.ALL)).toList();
        boolean staysAway = !inAllMail && update.mailboxIds().getOrDefault(place.mailboxId(), false);
        boolean wantsLabels = update.mailboxIds().entrySet().stream()
                .anyMatch(wanted -> wanted.getValue() && !isPlace(snapshot, wanted.getKey()));
        boolean both = away.size() > 1 || !away.isEmpty() && (places.size() > 1 || wantsLabels);
        if (both || staysAway && !added.isEmpty()) {
            return refused("on Gmail an email in Spam or in the Trash is in no other mailbox");
        }
        if (away.isEmpty() && inAllMail && left.contains(place.mailboxId())) {
            return refused("on Gmail every email is in All Mail, or in Spam or the Trash; to be rid of it, destroy it");
        }
        if (added.isEmpty() && !inAllMail && left.contains(place.mailboxId())) {
            return refused("an email must be in a mailbox; to be rid of it, destroy it");
        }
        plan.storeKeywords(id, place, update.keywords());
        if (!away.isEmpty()) {
            plan.move(id, place, name(away.getFirst()).orElseThrow());
        } else if (inAllMail) {
            labels.forEach(mailbox -> plan.label(id, place, StoreMode.ADD, label(mailbox)));
            left.forEach(mailbox -> plan.label(
                    id, place, StoreMode.REMOVE, label(snapshot.mailbox(mailbox).orElseThrow())));
        } else if (!added.isEmpty()) {
            // Labels that it kept in the Trash, unseen, would come back with it.
            update.mailboxIds()
                    .forEach((mailbox, wanted) -> snapshot.mailbox(mailbox)
                            .filter(found -> !wanted && name(found).isPresent() && !isPlace(snapshot, mailbox))
                            .ifPresent(found -> plan.label(id, place, StoreMode.REMOVE, label(found))));
            comeBack(plan, snapshot, id, place, labels, places);
        }
        return added.isEmpty() && left.isEmpty() && update.keywords().isEmpty()
                ? Optional.of(Answer.DONE)
                : Optional.empty();
    }

    /** From Spam or the Trash: into the first mailbox, and there it gets the labels of the others. */
    private static void comeBack(
            ImapPlan.Builder plan,
            ServerSnapshot snapshot,
            EmailId id,
            ServerSnapshot.Location place,
            List<MailboxSnapshot> labels,
            List<MailboxSnapshot> places) {
        MailboxSnapshot target = labels.isEmpty() ? places.getFirst() : labels.getFirst();
        Set<GmailLabel> more = new TreeSet<>();
        labels.stream().skip(1).forEach(mailbox -> more.add(label(mailbox)));
        if (more.isEmpty()) {
            plan.move(id, place, name(target).orElseThrow());
        } else {
            plan.moveAndLabel(id, place, name(target).orElseThrow(), more);
        }
    }

    private static boolean isPlace(ServerSnapshot snapshot, MailboxId mailbox) {
        return snapshot.mailbox(mailbox)
                .filter(found -> PLACES.stream().anyMatch(found::is))
                .isPresent();
    }

    private static Optional<MailboxName> name(MailboxSnapshot mailbox) {
        return mailbox.selectable() ? mailbox.rawName().map(MailboxName::new) : Optional.empty();
    }

    private static GmailLabel label(MailboxSnapshot mailbox) {
        return mailbox.role()
                .flatMap(GmailLabel::of)
                .orElseGet(() -> GmailLabel.of(new MailboxName(mailbox.rawName().orElseThrow())));
    }

    private static Optional<Answer> refused(String text) {
        return ImapPlan.Builder.failed(new ServerFailure.Rejected("invalidProperties", text));
    }
}
