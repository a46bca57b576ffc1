package org.postbus.fetcher.imap.mailbox;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.model.Keyword;
import org.postbus.observation.Cursor;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.UidRange;

/** Publishes the flags, and on Gmail the labels, of known messages: those that the server reports as changed, or those that differ. */
public final class FlagComparison {
    /** UIDs whose flags are compared in one step. */
    static final int STEP_MESSAGES = 2000;

    private final ImapPassContext pass;

    public FlagComparison(ImapPassContext pass) {
        this.pass = pass;
    }

    /** Flags of known messages that changed since a mod-sequence (RFC 7162 section 3.1.4.1). */
    void changedSince(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, long modSeq)
            throws InterruptedException {
        UidSet known = ImapStates.read(cursor);
        if (known.isEmpty() || selected.messages() == 0) {
            // Nothing to ask for; and James answers BAD to any UID FETCH in an empty mailbox.
            return;
        }
        MailboxSession session = pass.session();
        FetchItems items = stateItems(mailbox, true).changedSince(modSeq);
        Set<Long> withoutLabels = new TreeSet<>();
        try (BoundedPull<FetchedMessage> messages = session.fetch(known, items)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                if (message.flags().isEmpty() || !known.contains(message.uid())) {
                    continue;
                }
                Optional<Set<MailboxKey>> mailboxes = session.membership().mailboxes(mailbox.observed(), message);
                if (mailboxes.isPresent()) {
                    pass.out().add(ImapStates.state(mailbox.key(), cursor.uidValidity(), mailboxes.get(), message));
                } else {
                    withoutLabels.add(message.uid());
                }
            }
        }
        compare(mailbox, selected, UidSet.ofUids(withoutLabels));
    }

    /**
     * Compares the flags of known messages one by one with those stored.
     *
     * @param all or only those of the {@link #STEP_MESSAGES} newest messages, and of those that mutations have changed
     */
    void compare(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, boolean all)
            throws InterruptedException {
        pass.out().awaitApplied();
        UidSet known = pass.stored().uids(mailbox.key(), cursor.uidValidity());
        UidSet rest = all ? known : known.highest(STEP_MESSAGES);
        while (!rest.isEmpty() && selected.messages() > 0) {
            UidSet step = rest.highest(STEP_MESSAGES);
            rest = rest.minus(step);
            // The span instead of the set: the few UIDs that are not in the set cost less than a long command.
            compareStep(mailbox, cursor, selected, UidSet.between(step.first(), step.last() + 1));
        }
        UidSet changedByUs = mailbox.flagChecks().takeChangedByUs();
        if (!all && selected.messages() > 0) {
            compare(mailbox, selected, changedByUs.and(known).minus(known.highest(STEP_MESSAGES)));
        }
        mailbox.flagChecks().compared(all, pass.now());
    }

    /** Compares the state of these known messages with what is stored. */
    public void compare(ImapMailbox mailbox, SelectedMailbox selected, UidSet uids) throws InterruptedException {
        UidSet rest = uids;
        if (!rest.isEmpty()) {
            pass.out().awaitApplied();
        }
        while (!rest.isEmpty()) {
            UidSet step = rest.highest(STEP_MESSAGES);
            rest = rest.minus(step);
            compareStep(mailbox, mailbox.cursor().orElseThrow(), selected, step);
        }
    }

    private void compareStep(ImapMailbox mailbox, Cursor.Imap cursor, SelectedMailbox selected, UidSet uids)
            throws InterruptedException {
        MailboxMembership membership = pass.session().membership();
        UidRange span = new UidRange(uids.first(), uids.last());
        Map<Long, Set<Keyword>> stored = pass.stored().keywords(mailbox.key(), cursor.uidValidity(), span);
        Map<Long, Set<MailboxKey>> storedMailboxes = membership.hasLabels(mailbox.observed())
                ? pass.storedLabels().mailboxes(mailbox.key(), cursor.uidValidity(), span)
                : Map.of();
        Set<MailboxKey> own = Set.of(mailbox.key());
        FetchItems items = stateItems(mailbox, selected.highestModSeq().isPresent());
        try (BoundedPull<FetchedMessage> messages = pass.session().fetch(uids, items)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                FetchedMessage message = next.get();
                Set<Keyword> before = stored.get(message.uid());
                if (before == null || message.flags().isEmpty()) {
                    continue;
                }
                Set<MailboxKey> mailboxesBefore = storedMailboxes.getOrDefault(message.uid(), own);
                Set<MailboxKey> mailboxes =
                        membership.mailboxes(mailbox.observed(), message).orElse(mailboxesBefore);
                if (!before.equals(ImapStates.keywords(message)) || !mailboxesBefore.equals(mailboxes)) {
                    pass.out().add(ImapStates.state(mailbox.key(), cursor.uidValidity(), mailboxes, message));
                }
            }
        }
    }

    private FetchItems stateItems(ImapMailbox mailbox, boolean withModSeq) {
        FetchItems items =
                withModSeq ? FetchItems.of(FetchItems.FLAGS, FetchItems.MOD_SEQ) : FetchItems.of(FetchItems.FLAGS);
        return pass.session().membership().hasLabels(mailbox.observed()) ? items.and(FetchItems.GMAIL) : items;
    }
}
