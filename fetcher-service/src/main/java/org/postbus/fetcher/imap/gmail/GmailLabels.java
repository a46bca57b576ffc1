package org.postbus.fetcher.imap.gmail;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.postbus.fetcher.imap.mailbox.MailboxListing;
import org.postbus.fetcher.imap.mailbox.MailboxMembership;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.MailboxRole;
import org.postbus.observation.MailboxKey;
import org.postbus.observation.ObservedMailbox;

/**
 * Which mailboxes of a Gmail account are only labels. Gmail stores a message once: in All Mail, in the Trash or in Spam. All other mailboxes
 * show the messages of All Mail that have their label, so they are not read; X-GM-LABELS says what they show. A message in the Trash or in Spam
 * is shown nowhere else, whatever labels it keeps.
 *
 * <p>Users can hide All Mail from IMAP. Archived mail would then be missing without a notice, so this is an error that the account's owner sees.
 */
public final class GmailLabels implements MailboxMembership {
    private static final String EXTENSION = "X-GM-EXT-1";
    private static final String ALL_MAIL_HIDDEN =
            "Gmail hides All Mail from IMAP, and only All Mail contains all messages."
                    + " Enable it in Gmail: Settings, Labels, All Mail, \"Show in IMAP\"";

    private final Map<String, MailboxKey> mailboxesByLabel;
    private final Set<String> unlisted = ConcurrentHashMap.newKeySet();

    private GmailLabels(Map<String, MailboxKey> mailboxesByLabel) {
        this.mailboxesByLabel = mailboxesByLabel;
    }

    /**
     * Empty if the server is not Gmail.
     *
     * @throws ServerException if All Mail is hidden
     */
    public static Optional<GmailLabels> find(Capabilities offered, List<MailboxListing.Entry> listed) {
        if (!offered.has(EXTENSION)) {
            return Optional.empty();
        }
        boolean allMailIsListed = listed.stream()
                .anyMatch(entry -> entry.mailbox().selectable() && has(entry.mailbox(), MailboxRole.ALL));
        if (!allMailIsListed) {
            throw new ServerException(new ServerFailure.Rejected("NONEXISTENT", ALL_MAIL_HIDDEN));
        }
        Map<String, MailboxKey> mailboxes = new HashMap<>();
        for (MailboxListing.Entry entry : listed) {
            ObservedMailbox mailbox = entry.mailbox();
            if (mailbox.selectable() && !isStorage(mailbox)) {
                String label = mailbox.role()
                        .flatMap(GmailLabel::of)
                        .orElseGet(() -> GmailLabel.of(entry.listed().name()))
                        .raw();
                mailboxes.put(label, mailbox.key());
            }
        }
        return Optional.of(new GmailLabels(Map.copyOf(mailboxes)));
    }

    @Override
    public boolean storesMessages(ObservedMailbox mailbox) {
        return isStorage(mailbox);
    }

    @Override
    public boolean hasLabels(ObservedMailbox mailbox) {
        return has(mailbox, MailboxRole.ALL);
    }

    @Override
    public Optional<Set<MailboxKey>> mailboxes(ObservedMailbox mailbox, FetchedMessage message) {
        if (!hasLabels(mailbox)) {
            return Optional.of(Set.of(mailbox.key()));
        }
        return message.gmail().flatMap(FetchedMessage.Gmail::labels).map(labels -> {
            Set<MailboxKey> mailboxes = new LinkedHashSet<>();
            mailboxes.add(mailbox.key());
            for (String label : labels) {
                mailboxOf(new GmailLabel(label)).ifPresentOrElse(mailboxes::add, () -> unlisted.add(label));
            }
            return mailboxes;
        });
    }

    private Optional<MailboxKey> mailboxOf(GmailLabel label) {
        String name = label.role().flatMap(GmailLabel::of).orElse(label).raw();
        return Optional.ofNullable(mailboxesByLabel.get(name));
    }

    /** Labels that were seen on messages and have no mailbox: hidden from IMAP, or created since the mailboxes were listed. */
    public Set<String> unlisted() {
        return Set.copyOf(unlisted);
    }

    /** The mailbox in which all new mail appears, also what filters archive; empty if the server is not Gmail. */
    public static Optional<MailboxName> allMail(Capabilities offered, Stream<ObservedMailbox> mailboxes) {
        return mailboxes
                .filter(mailbox -> offered.has(EXTENSION) && mailbox.selectable() && has(mailbox, MailboxRole.ALL))
                .flatMap(mailbox -> mailbox.rawName().stream())
                .findFirst()
                .map(MailboxName::new);
    }

    private static boolean isStorage(ObservedMailbox mailbox) {
        return has(mailbox, MailboxRole.ALL) || has(mailbox, MailboxRole.JUNK) || has(mailbox, MailboxRole.TRASH);
    }

    private static boolean has(ObservedMailbox mailbox, MailboxRole role) {
        return mailbox.role().filter(role::equals).isPresent();
    }
}
