package org.postbus.outbound.imap;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.StoreMode;
import org.postbus.model.EmailId;
import org.postbus.model.MailboxId;
import org.postbus.model.MailboxRole;
import org.postbus.outbound.Known.KnownMailbox;
import org.postbus.outbound.Known;
import org.postbus.outbound.MailServer.Answer;
import org.postbus.outbound.Wish.Change;

/**
 * What a wish means on Gmail. There an email lies once, in All Mail, Spam or the Trash; of All Mail's emails labels say in which other
 * mailboxes they are. So mailboxes are given and taken by labels, who goes to Spam or to the Trash leaves all others, and only what lies
 * there can be destroyed: expunging elsewhere takes a label away.
 */
final class GmailWishes {
    private static final Set<MailboxRole> PLACES = Set.of(MailboxRole.ALL, MailboxRole.JUNK, MailboxRole.TRASH);

    private GmailWishes() {}

    /** False where All Mail is hidden from IMAP: then mailboxes are left and entered as on any other server. */
    static boolean liesInOnePlace(Known known, Known.KnownEmail email) {
        return place(email).filter(link -> isPlace(known, link.mailboxId())).isPresent();
    }

    private static Optional<Known.Link> place(Known.KnownEmail email) {
        return email.links().stream().filter(link -> link.uid() > 0).findFirst();
    }

    static Optional<Answer> destroy(ImapPlan.Builder plan, Known known, EmailId id, Known.KnownEmail email) {
        Optional<Known.Link> place = place(email);
        if (place.isEmpty()) {
            return ImapPlan.Builder.inNoMailbox();
        }
        KnownMailbox mailbox = known.mailbox(place.get().mailboxId()).orElseThrow();
        if (mailbox.is(MailboxRole.JUNK) || mailbox.is(MailboxRole.TRASH)) {
            plan.delete(id, place.get());
            return Optional.empty();
        }
        Optional<MailboxName> trash = known.mailbox(MailboxRole.TRASH).flatMap(GmailWishes::name);
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
            ImapPlan.Builder plan, Known known, EmailId id, Known.KnownEmail email, Change.Update update) {
        Known.Link place = place(email).orElseThrow();
        Set<MailboxId> present = new TreeSet<>();
        email.links().forEach(link -> present.add(link.mailboxId()));
        Map<MailboxId, KnownMailbox> added = new TreeMap<>();
        Set<MailboxId> left = new TreeSet<>();
        for (Map.Entry<MailboxId, Boolean> wanted : new TreeMap<>(update.mailboxIds()).entrySet()) {
            MailboxId mailbox = wanted.getKey();
            if (!wanted.getValue()) {
                if (present.contains(mailbox)) {
                    left.add(mailbox);
                }
            } else if (!present.contains(mailbox)) {
                Optional<KnownMailbox> target =
                        known.mailbox(mailbox).filter(found -> name(found).isPresent());
                if (target.isEmpty()) {
                    return refused("there is no mailbox " + mailbox.value() + " that can hold emails");
                }
                added.put(mailbox, target.get());
            }
        }
        List<KnownMailbox> places = added.values().stream()
                .filter(mailbox -> PLACES.stream().anyMatch(mailbox::is))
                .toList();
        List<KnownMailbox> labels = added.values().stream()
                .filter(mailbox -> !places.contains(mailbox))
                .toList();
        boolean inAllMail = known.mailbox(place.mailboxId()).orElseThrow().is(MailboxRole.ALL);
        List<KnownMailbox> away =
                places.stream().filter(mailbox -> !mailbox.is(MailboxRole.ALL)).toList();
        boolean staysAway = !inAllMail && update.mailboxIds().getOrDefault(place.mailboxId(), false);
        boolean wantsLabels = update.mailboxIds().entrySet().stream()
                .anyMatch(wanted -> wanted.getValue() && !isPlace(known, wanted.getKey()));
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
                    id, place, StoreMode.REMOVE, label(known.mailbox(mailbox).orElseThrow())));
        } else if (!added.isEmpty()) {
            // Labels that it kept in the Trash, unseen, would come back with it.
            update.mailboxIds()
                    .forEach((mailbox, wanted) -> known.mailbox(mailbox)
                            .filter(found -> !wanted && name(found).isPresent() && !isPlace(known, mailbox))
                            .ifPresent(found -> plan.label(id, place, StoreMode.REMOVE, label(found))));
            comeBack(plan, known, id, place, labels, places);
        }
        return added.isEmpty() && left.isEmpty() && update.keywords().isEmpty()
                ? Optional.of(Answer.DONE)
                : Optional.empty();
    }

    /** From Spam or the Trash: into the first mailbox, and there it gets the labels of the others. */
    private static void comeBack(
            ImapPlan.Builder plan,
            Known known,
            EmailId id,
            Known.Link place,
            List<KnownMailbox> labels,
            List<KnownMailbox> places) {
        KnownMailbox target = labels.isEmpty() ? places.getFirst() : labels.getFirst();
        Set<GmailLabel> more = new TreeSet<>();
        labels.stream().skip(1).forEach(mailbox -> more.add(label(mailbox)));
        if (more.isEmpty()) {
            plan.move(id, place, name(target).orElseThrow());
        } else {
            plan.moveAndLabel(id, place, name(target).orElseThrow(), more);
        }
    }

    private static boolean isPlace(Known known, MailboxId mailbox) {
        return known.mailbox(mailbox)
                .filter(found -> PLACES.stream().anyMatch(found::is))
                .isPresent();
    }

    private static Optional<MailboxName> name(KnownMailbox mailbox) {
        return mailbox.selectable() ? mailbox.rawName().map(MailboxName::new) : Optional.empty();
    }

    private static GmailLabel label(KnownMailbox mailbox) {
        return mailbox.role()
                .flatMap(GmailLabel::of)
                .orElseGet(() -> GmailLabel.of(new MailboxName(mailbox.rawName().orElseThrow())));
    }

    private static Optional<Answer> refused(String text) {
        return ImapPlan.Builder.failed(new ServerFailure.Rejected("invalidProperties", text));
    }
}
