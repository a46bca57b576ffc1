package org.postbus.fetcher.imap;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.imap.mailbox.MailboxListing;
import org.postbus.fetcher.imap.mailbox.MailboxWork;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

/** A mailbox in which a pass has work to do, with the STATUS that shows it. */
record MailboxTask(ImapMailbox mailbox, MailboxName name, MailboxStatus status, MailboxWork work) {
    private static final MailboxStatus UNKNOWN_STATUS = new MailboxStatus(
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            OptionalLong.empty(),
            Optional.empty());

    /**
     * The work of a pass, the most urgent first.
     *
     * @param mailboxes is brought up to date with the listing
     */
    static List<MailboxTask> of(
            StatusRounds.Round round,
            MailboxListing listing,
            Map<MailboxKey, ImapMailbox> mailboxes,
            DirtyMailboxes dirty,
            ImapPassContext pass) {
        List<MailboxTask> tasks = new ArrayList<>();
        for (MailboxListing.Entry entry : listing.listed()) {
            MailboxKey key = entry.mailbox().key();
            MailboxKey before = listing.renamed().getOrDefault(key, key);
            ImapMailbox mailbox =
                    Optional.ofNullable(mailboxes.remove(before)).orElseGet(() -> ImapMailbox.fresh(entry.mailbox()));
            boolean unseenDiffers =
                    mailbox.observed().unreadEmails() != entry.mailbox().unreadEmails();
            mailbox.listed(entry.mailbox());
            mailboxes.put(key, mailbox);
            MailboxName name = entry.listed().name();
            if (!entry.mailbox().selectable()
                    || mailbox.refusals().isPausing(pass.now())
                    || round.unchecked().contains(name)
                    || !pass.session().membership().storesMessages(entry.mailbox())) {
                continue;
            }
            MailboxStatus status = entry.listed()
                    .status()
                    .map(reported -> mailbox.statusModSeqUsable() ? reported : withoutModSeq(reported))
                    .orElse(UNKNOWN_STATUS);
            if (pass.full()) {
                mailbox.distrust();
            }
            boolean flagsDirty = unseenDiffers
                    || dirty.contains(name)
                    || mailbox.flagChecks().recentDue(pass.now());
            MailboxWork work = MailboxWork.of(mailbox.cursor(), mailbox.known(), status, flagsDirty, pass.full());
            boolean retries = mailbox.cursor().isPresent()
                    && !mailbox.notRead().due(pass.now()).isEmpty();
            if (retries || !(work instanceof MailboxWork.Nothing)) {
                tasks.add(new MailboxTask(mailbox, name, status, work));
            }
        }
        tasks.sort(Comparator.comparingInt(task -> urgency(task.mailbox().observed())));
        return tasks;
    }

    private static MailboxStatus withoutModSeq(MailboxStatus status) {
        return new MailboxStatus(
                status.messages(),
                status.unseen(),
                status.uidNext(),
                status.uidValidity(),
                OptionalLong.empty(),
                status.mailboxId());
    }

    /** Users open some mailboxes first. */
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

    /** About how many messages are to be read. */
    long unreadMessages() {
        long messages = status.messages().orElse(0);
        return switch (work) {
            case MailboxWork.Nothing nothing -> 0;
            case MailboxWork.UidValidityChanged changed -> messages;
            case MailboxWork.InitialSync initial -> messages;
            case MailboxWork.InitialSyncResumed resumed -> messages;
            case MailboxWork.CatchUp catchUp ->
                Math.clamp(
                        status.uidNext().orElse(0)
                                - mailbox.cursor().orElseThrow().uidNext(),
                        0L,
                        messages);
        };
    }

    /** Whether the STATUS proves that the mailbox is empty and gives the numbers of a cursor. */
    boolean isEmptyMailbox() {
        return status.messages().isPresent()
                && status.messages().getAsLong() == 0
                && status.uidNext().isPresent()
                && status.uidValidity().isPresent();
    }
}
