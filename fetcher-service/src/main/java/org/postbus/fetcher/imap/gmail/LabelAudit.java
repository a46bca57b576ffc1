package org.postbus.fetcher.imap.gmail;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.event.Cursor;
import org.postbus.event.MailboxKey;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.MailboxStatus;
import org.postbus.mail.imap.grammar.SelectedMailbox;

/**
 * Whether the mailboxes that are labels ({@link GmailLabels}) show the emails that we believe. Google does not say that a change of labels
 * gives a message of All Mail another mod-sequence; should it not, only the label's own STATUS tells. So a label whose numbers moved
 * is counted. What a server told us is true, so if only some were added since we agreed, or only some taken away, and the count is right,
 * we know them all. Else the messages that it shows are laid beside ours, and those in which they differ are read again in All Mail: a
 * wrong answer here costs a few commands and changes nothing.
 */
public final class LabelAudit {
    private static final int AHEAD_MESSAGES = 500;
    private static final Logger LOG = Logger.getLogger(LabelAudit.class);

    private final Claim claim;
    private final AccountTables tables;
    private final MailboxSession visit;
    private final FlagAndExpungeResync lookBack;
    private final ObservationPublisher out;

    public LabelAudit(Claim claim, AccountTables tables, MailboxSession visit, FlagAndExpungeResync lookBack, ObservationPublisher out) {
        this.claim = claim;
        this.tables = tables;
        this.visit = visit;
        this.lookBack = lookBack;
        this.out = out;
    }

    /** By which it shows that a label was given or taken: who gets it gets a UID. What its HIGHESTMODSEQ counts is not known. */
    public record Members(long uidValidity, long uidNext, long messages) {
        /** Whether since {@code before} some got the label or some lost it, and not both. */
        boolean onlyGrewOrShrank(Members before) {
            return uidValidity == before.uidValidity
                    && (uidNext == before.uidNext || uidNext - before.uidNext == messages - before.messages);
        }

        public static Optional<Members> of(MailboxStatus status) {
            return status.uidValidity().isPresent()
                            && status.uidNext().isPresent()
                            && status.messages().isPresent()
                    ? Optional.of(new Members(
                            status.uidValidity().getAsLong(),
                            status.uidNext().getAsLong(),
                            status.messages().getAsLong()))
                    : Optional.empty();
        }
    }

    /** A label as it was listed. */
    public record Label(ImapMailbox mailbox, MailboxName name, Members members) {
        public boolean isDue() {
            return !mailbox.labelCounted || !mailbox.agreed.equals(Optional.of(members));
        }

        boolean isProven(long ours) {
            return ours == members.messages()
                    && mailbox.agreed.filter(members::onlyGrewOrShrank).isPresent();
        }
    }

    /** @param allMail all of it is known */
    public void run(List<Label> labels, ImapMailbox allMail, MailboxName allMailName) throws InterruptedException {
        List<Label> due = labels.stream().filter(Label::isDue).toList();
        if (due.isEmpty()) {
            return;
        }
        out.awaitApplied();
        Map<MailboxKey, Long> ours = tables.labelled(claim.tenantId(), claim.accountId());
        Set<String> differing = new HashSet<>();
        List<Label> looked = new ArrayList<>();
        for (Label label : due) {
            if (label.isProven(ours.getOrDefault(label.mailbox().key(), 0L))) {
                looked.add(label);
            } else {
                visit.unlessRefused(label.mailbox(), () -> {
                    differing.addAll(differing(label));
                    looked.add(label);
                });
            }
        }
        visit.unlessRefused(allMail, () -> {
            readAgain(allMail, allMailName, differing);
            for (Label label : looked) {
                agree(label);
            }
        });
    }

    private void readAgain(ImapMailbox allMail, MailboxName name, Set<String> differing) throws InterruptedException {
        if (differing.isEmpty()) {
            return;
        }
        LOG.debugf("account %s: the labels of %d messages differ", claim.accountId(), differing.size());
        SelectedMailbox selected = visit.select(allMail, name);
        if (allMail.cursor.isPresent()) {
            List<Long> uids = tables.uidsOf(
                    claim.tenantId(),
                    claim.accountId(),
                    allMail.key(),
                    allMail.cursor.get().uidValidity(),
                    differing);
            lookBack.readAgain(allMail, selected, UidSet.ofUids(uids));
        }
    }

    /** The cursor by which a label is known again when it is renamed; it says nothing of messages. */
    private void agree(Label label) throws InterruptedException {
        ImapMailbox mailbox = label.mailbox();
        if (mailbox.cursor.isPresent() && mailbox.known.orElse(1) > 0) {
            // All Mail was hidden, and messages were read here: now they are here by their labels alone.
            visit.vanished(mailbox, mailbox.cursor.get().uidValidity(), UidSet.ALL);
        }
        mailbox.known = OptionalLong.of(0);
        mailbox.agreed = Optional.of(label.members());
        mailbox.labelCounted = true;
        Cursor.Imap cursor =
                new Cursor.Imap(label.members().uidValidity(), label.members().uidNext(), Optional.empty(), 1);
        if (!mailbox.cursor.equals(Optional.of(cursor))) {
            visit.synced(mailbox, cursor);
        }
    }

    /** A label that was deleted and made again has another UIDVALIDITY: that is nothing to us, for it holds no message. */
    private SelectedMailbox open(Label label) throws InterruptedException {
        Optional<Cursor.Imap> cursor = label.mailbox().cursor;
        label.mailbox().cursor = Optional.empty();
        SelectedMailbox selected = visit.select(label.mailbox(), label.name());
        label.mailbox().cursor = cursor;
        return selected;
    }

    /** Identities of emails that are in the label here or there, but not both. */
    private Set<String> differing(Label label) throws InterruptedException {
        Set<String> differing = tables.identitiesIn(
                claim.tenantId(), claim.accountId(), label.mailbox().key());
        SelectedMailbox selected = open(label);
        if (selected.messages() == 0) {
            return differing;
        }
        List<String> notOurs = new ArrayList<>();
        try (Inflow<FetchedMessage> messages = Inflow.of(
                visit.connection().uidFetch(UidSet.ALL.ranges(), FetchItems.of(FetchItems.GMAIL_MESSAGE_ID)),
                AHEAD_MESSAGES)) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                Optional<String> identity = next.get()
                        .gmail()
                        .flatMap(FetchedMessage.Gmail::messageId)
                        .map(ImapObservations.GMAIL_PREFIX::concat);
                if (identity.isPresent() && !differing.remove(identity.get())) {
                    notOurs.add(identity.get());
                }
            }
        }
        differing.addAll(notOurs);
        return differing;
    }
}
