package org.postbus.fetcher.imap.gmail;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.postbus.fetcher.imap.mailbox.FlagComparison;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.fetcher.imap.mailbox.ImapPassContext;
import org.postbus.fetcher.imap.mailbox.MailboxListing;
import org.postbus.fetcher.imap.mailbox.MailboxSession;
import org.postbus.fetcher.imap.mailbox.StatusNumbers;
import org.postbus.kit.concurrent.BoundedPull;
import org.postbus.mail.imap.grammar.FetchItems;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.mail.imap.grammar.SelectedMailbox;
import org.postbus.mail.imap.grammar.UidSet;
import org.postbus.observation.Cursor;
import org.postbus.observation.EmailIdentity;
import org.postbus.observation.MailboxKey;

/**
 * Checks whether the mailboxes that are labels ({@link GmailLabels}) show the emails that are stored for them. Google does not document that a
 * change of labels raises the mod-sequence of the message in All Mail; if it does not, only the label's own STATUS changes. So a label whose
 * STATUS changed is counted. What the server reported is true, so if messages were only added since the last check, or only removed, and the
 * count is right, all changes are known. Otherwise the messages that the label shows are compared with those stored, and those that differ are
 * read again in All Mail: a wrong decision costs a few commands and changes nothing.
 */
public final class LabelAudit {
    /** Messages of a label that are taken up in one audit. */
    private static final int NOT_STORED_MAX = 100_000;

    private static final Logger LOG = Logger.getLogger(LabelAudit.class);

    private final ImapPassContext pass;
    private final MailboxSession session;
    private final FlagComparison flags;

    public LabelAudit(ImapPassContext pass, FlagComparison flags) {
        this.pass = pass;
        this.session = pass.session();
        this.flags = flags;
    }

    /** A label as it was listed. */
    private record Label(ImapMailbox mailbox, MailboxName name, StatusNumbers numbers) {
        boolean isDue() {
            ImapMailbox.LabelCheck last = mailbox.labelCheck();
            return !last.seen() || !last.agreed().equals(Optional.of(numbers));
        }

        boolean isProven(long stored) {
            return stored == numbers.messages()
                    && mailbox.labelCheck()
                            .agreed()
                            .filter(numbers::onlyGrewOrShrank)
                            .isPresent();
        }
    }

    /** Does nothing while the initial sync of All Mail has not ended. */
    public void run(GmailLabels labels, MailboxListing listing, Map<MailboxKey, ImapMailbox> mailboxes)
            throws InterruptedException {
        List<Label> listed = new ArrayList<>();
        Optional<MailboxListing.Entry> allMail = Optional.empty();
        for (MailboxListing.Entry entry : listing.listed()) {
            ImapMailbox mailbox = mailboxes.get(entry.mailbox().key());
            if (labels.hasLabels(entry.mailbox())) {
                allMail = Optional.of(entry);
            } else if (entry.mailbox().selectable()
                    && !mailbox.refusals().isPausing(pass.now())
                    && !labels.storesMessages(entry.mailbox())) {
                if (pass.full()) {
                    mailbox.distrustLabel();
                }
                entry.listed()
                        .status()
                        .flatMap(StatusNumbers::of)
                        .ifPresent(numbers ->
                                listed.add(new Label(mailbox, entry.listed().name(), numbers)));
            }
        }
        if (allMail.isPresent()) {
            ImapMailbox mailbox = mailboxes.get(allMail.get().mailbox().key());
            if (mailbox.isBackfilled()) {
                check(
                        listed.stream().filter(Label::isDue).toList(),
                        mailbox,
                        allMail.get().listed().name());
            }
        }
    }

    private void check(List<Label> due, ImapMailbox allMail, MailboxName allMailName) throws InterruptedException {
        if (due.isEmpty()) {
            return;
        }
        pass.out().awaitApplied();
        Map<MailboxKey, Long> stored = pass.storedLabels().counts();
        Set<String> differing = new HashSet<>();
        List<Label> checked = new ArrayList<>();
        for (Label label : due) {
            if (label.isProven(stored.getOrDefault(label.mailbox().key(), 0L))) {
                checked.add(label);
            } else {
                session.unlessRefused(label.mailbox(), () -> {
                    differing.addAll(differing(label));
                    checked.add(label);
                });
            }
        }
        session.unlessRefused(allMail, () -> {
            readAgain(allMail, allMailName, differing);
            for (Label label : checked) {
                noteAgreed(label);
            }
        });
    }

    private void readAgain(ImapMailbox allMail, MailboxName name, Set<String> differing) throws InterruptedException {
        if (differing.isEmpty()) {
            return;
        }
        LOG.debugf("account %s: the labels of %d messages differ", pass.account(), differing.size());
        SelectedMailbox selected = session.select(allMail, name);
        if (allMail.cursor().isPresent()) {
            List<Long> uids = pass.storedLabels()
                    .uids(allMail.key(), allMail.cursor().get().uidValidity(), differing);
            flags.compare(allMail, selected, UidSet.ofUids(uids));
        }
    }

    /** Publishes a cursor by which a renamed label is recognised; it says nothing of messages. */
    private void noteAgreed(Label label) throws InterruptedException {
        ImapMailbox mailbox = label.mailbox();
        if (mailbox.cursor().isPresent() && mailbox.known().orElse(1) > 0) {
            // All Mail was hidden before, and messages were read here: now they are here by their labels only.
            session.publishVanished(mailbox, mailbox.cursor().get().uidValidity(), UidSet.ALL);
        }
        mailbox.knows(0);
        mailbox.labelChecked(label.numbers());
        Cursor.Imap cursor =
                new Cursor.Imap(label.numbers().uidValidity(), label.numbers().uidNext(), Optional.empty(), 1);
        if (!mailbox.cursor().equals(Optional.of(cursor))) {
            session.publishCursor(mailbox, cursor);
        }
    }

    /**
     * Identities of emails that the label shows and that are not stored for it, or the other way round. A label that was deleted and created
     * again has another UIDVALIDITY, which does not matter because its UIDs are not stored.
     */
    private Set<String> differing(Label label) throws InterruptedException {
        Set<String> differing = pass.storedLabels().identities(label.mailbox().key());
        SelectedMailbox selected = session.selectWithoutCursor(label.mailbox(), label.name());
        if (selected.messages() == 0) {
            return differing;
        }
        List<String> notStored = new ArrayList<>();
        try (BoundedPull<FetchedMessage> messages =
                session.fetch(UidSet.ALL, FetchItems.of(FetchItems.GMAIL_MESSAGE_ID))) {
            for (Optional<FetchedMessage> next = messages.next(); next.isPresent(); next = messages.next()) {
                Optional<String> identity = next.get()
                        .gmail()
                        .flatMap(FetchedMessage.Gmail::messageId)
                        .map(id -> new EmailIdentity.Gmail(id).value());
                if (identity.isPresent() && !differing.remove(identity.get()) && notStored.size() < NOT_STORED_MAX) {
                    notStored.add(identity.get());
                }
            }
        }
        differing.addAll(notStored);
        return differing;
    }
}
