package org.postbus.outbound.imap.plan;

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
import org.postbus.outbound.mutation.EmailMutation.Change;
import org.postbus.outbound.mutation.MailServer.Answer;
import org.postbus.outbound.mutation.ServerSnapshot;
import org.postbus.outbound.mutation.ServerSnapshot.MailboxSnapshot;

/**
 * The actions that a mutation needs on Gmail. Gmail stores each message once, in All Mail, Spam or Trash, the base mailboxes; labels say in
 * which other mailboxes a message of All Mail appears. So mailboxes are added and removed by labels, a message that goes to Spam or
 * Trash leaves all other mailboxes, and only a message in one of these two can be destroyed: elsewhere an expunge removes a label. Pure.
 */
record GmailPlan(ImapPlanBuilder plan, ServerSnapshot snapshot) {
    private static final Set<MailboxRole> BASE_ROLES = Set.of(MailboxRole.ALL, MailboxRole.JUNK, MailboxRole.TRASH);

    /** False where All Mail is hidden from IMAP: then mailboxes are added and removed as on any other server. */
    static boolean isLabelled(ServerSnapshot snapshot, ServerSnapshot.EmailSnapshot email) {
        return location(email)
                .filter(location -> isBase(snapshot, location.mailboxId()))
                .isPresent();
    }

    private static Optional<ServerSnapshot.Location> location(ServerSnapshot.EmailSnapshot email) {
        return email.locations().stream().filter(location -> location.uid() > 0).findFirst();
    }

    Optional<Answer> destroy(EmailId id, ServerSnapshot.EmailSnapshot email) {
        Optional<ServerSnapshot.Location> location = location(email);
        if (location.isEmpty()) {
            return ImapPlanBuilder.inNoMailbox();
        }
        MailboxSnapshot mailbox = snapshot.mailbox(location.get().mailboxId()).orElseThrow();
        if (mailbox.is(MailboxRole.JUNK) || mailbox.is(MailboxRole.TRASH)) {
            plan.delete(id, location.get());
            return Optional.empty();
        }
        Optional<MailboxName> trash = snapshot.mailbox(MailboxRole.TRASH).flatMap(GmailPlan::name);
        if (trash.isEmpty()) {
            return ImapPlanBuilder.failed(new ServerFailure.Rejected(
                    "noTrash",
                    "Gmail destroys only messages in the Trash, and the Trash is hidden from IMAP: in Gmail's settings, "
                            + "under Labels, turn on Show in IMAP"));
        }
        plan.moveAndDestroy(id, location.get(), trash.get());
        return Optional.empty();
    }

    /** @param email has a location in a base mailbox */
    Optional<Answer> update(EmailId id, ServerSnapshot.EmailSnapshot email, Change.Update update) {
        ServerSnapshot.Location location = location(email).orElseThrow();
        Set<MailboxId> present = new TreeSet<>();
        email.locations().forEach(one -> present.add(one.mailboxId()));
        Map<MailboxId, MailboxSnapshot> added = new TreeMap<>();
        Set<MailboxId> removed = new TreeSet<>();
        for (Map.Entry<MailboxId, Boolean> requested : new TreeMap<>(update.mailboxIds()).entrySet()) {
            MailboxId mailbox = requested.getKey();
            if (!requested.getValue()) {
                if (present.contains(mailbox)) {
                    removed.add(mailbox);
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
        List<MailboxSnapshot> bases = added.values().stream()
                .filter(mailbox -> BASE_ROLES.stream().anyMatch(mailbox::is))
                .toList();
        List<MailboxSnapshot> labels = added.values().stream()
                .filter(mailbox -> !bases.contains(mailbox))
                .toList();
        boolean inAllMail = snapshot.mailbox(location.mailboxId()).orElseThrow().is(MailboxRole.ALL);
        List<MailboxSnapshot> spamOrTrash =
                bases.stream().filter(mailbox -> !mailbox.is(MailboxRole.ALL)).toList();
        boolean staysInSpamOrTrash = !inAllMail && update.mailboxIds().getOrDefault(location.mailboxId(), false);
        boolean addsLabels = update.mailboxIds().entrySet().stream()
                .anyMatch(requested -> requested.getValue() && !isBase(snapshot, requested.getKey()));
        boolean exclusive = spamOrTrash.size() > 1 || !spamOrTrash.isEmpty() && (bases.size() > 1 || addsLabels);
        if (exclusive || staysInSpamOrTrash && !added.isEmpty()) {
            return refused("on Gmail an email in Spam or in the Trash is in no other mailbox");
        }
        if (spamOrTrash.isEmpty() && inAllMail && removed.contains(location.mailboxId())) {
            return refused("on Gmail every email is in All Mail, or in Spam or the Trash; destroy it instead");
        }
        if (added.isEmpty() && !inAllMail && removed.contains(location.mailboxId())) {
            return refused("an email must be in at least one mailbox; destroy it instead");
        }
        plan.storeKeywords(id, location, update.keywords());
        if (!spamOrTrash.isEmpty()) {
            plan.move(id, location, name(spamOrTrash.getFirst()).orElseThrow());
        } else if (inAllMail) {
            labels.forEach(mailbox -> plan.label(id, location, StoreMode.ADD, label(mailbox)));
            removed.forEach(mailbox -> plan.label(
                    id,
                    location,
                    StoreMode.REMOVE,
                    label(snapshot.mailbox(mailbox).orElseThrow())));
        } else if (!added.isEmpty()) {
            // Gmail keeps a message's labels in the Trash, without showing them, and they reappear when it is moved
            // out.
            update.mailboxIds()
                    .forEach((mailbox, requested) -> snapshot.mailbox(mailbox)
                            .filter(found -> !requested && name(found).isPresent() && !isBase(snapshot, mailbox))
                            .ifPresent(found -> plan.label(id, location, StoreMode.REMOVE, label(found))));
            restore(id, location, labels, bases);
        }
        if (added.isEmpty() && removed.isEmpty() && update.keywords().isEmpty()) {
            plan.check(id, location);
        }
        return Optional.empty();
    }

    /** Moves the message from Spam or Trash to the first mailbox and adds the labels of the others there. */
    private void restore(
            EmailId id, ServerSnapshot.Location location, List<MailboxSnapshot> labels, List<MailboxSnapshot> bases) {
        MailboxSnapshot target = labels.isEmpty() ? bases.getFirst() : labels.getFirst();
        Set<GmailLabel> more = new TreeSet<>();
        labels.stream().skip(1).forEach(mailbox -> more.add(label(mailbox)));
        if (more.isEmpty()) {
            plan.move(id, location, name(target).orElseThrow());
        } else {
            plan.moveAndLabel(id, location, name(target).orElseThrow(), more);
        }
    }

    private static boolean isBase(ServerSnapshot snapshot, MailboxId mailbox) {
        return snapshot.mailbox(mailbox)
                .filter(found -> BASE_ROLES.stream().anyMatch(found::is))
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
        return ImapPlanBuilder.failed(new ServerFailure.Rejected("invalidProperties", text));
    }
}
