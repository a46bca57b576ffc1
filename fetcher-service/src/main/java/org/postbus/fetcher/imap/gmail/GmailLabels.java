package org.postbus.fetcher.imap.gmail;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postbus.event.MailboxKey;
import org.postbus.event.ObservedMailbox;
import org.postbus.fetcher.imap.MailboxListing;
import org.postbus.fetcher.imap.mailbox.ImapMailbox;
import org.postbus.mail.ServerException;
import org.postbus.mail.ServerFailure;
import org.postbus.mail.imap.grammar.Capabilities;
import org.postbus.mail.imap.grammar.FetchedMessage;
import org.postbus.mail.imap.grammar.GmailLabel;
import org.postbus.mail.imap.grammar.MailboxName;
import org.postbus.model.MailboxRole;

/**
 * Which mailboxes are only labels. On Gmail a message lies once: in All Mail, or in the Trash, or in Spam. All other mailboxes show
 * messages of All Mail that have their label, so they are not read; what is in them is told by X-GM-LABELS. A message in the Trash or in
 * Spam is shown nowhere else, whatever labels it keeps.
 *
 * <p>On every other server each mailbox holds messages of its own. Gmail without All Mail, which its users can hide from IMAP, is neither:
 * what is archived would be missing without a word. It is an error that its owner is told.
 */
public final class GmailLabels {
    private static final String EXTENSION = "X-GM-EXT-1";
    private static final String ALL_MAIL_HIDDEN = "Gmail hides All Mail from IMAP, and only there is all of the mail."
            + " Switch it on in Gmail: Settings, GmailLabels, All Mail, \"Show in IMAP\"";

    /** No mailbox is a label. */
    public static final GmailLabels NONE = new GmailLabels(false, Map.of());

    private final boolean some;
    private final Map<String, MailboxKey> mailboxes;
    private final Set<String> unlisted = ConcurrentHashMap.newKeySet();

    private GmailLabels(boolean some, Map<String, MailboxKey> mailboxes) {
        this.some = some;
        this.mailboxes = mailboxes;
    }

    /** @throws ServerException if All Mail is not shown */
    public static GmailLabels of(Capabilities offered, List<MailboxListing.Entry> listed) {
        if (!offered.has(EXTENSION)) {
            return NONE;
        }
        boolean allMailIsShown = listed.stream()
                .anyMatch(entry -> entry.mailbox().selectable() && has(entry.mailbox(), MailboxRole.ALL));
        if (!allMailIsShown) {
            throw new ServerException(new ServerFailure.Rejected("NONEXISTENT", ALL_MAIL_HIDDEN));
        }
        Map<String, MailboxKey> mailboxes = new HashMap<>();
        for (MailboxListing.Entry entry : listed) {
            ObservedMailbox mailbox = entry.mailbox();
            if (mailbox.selectable() && !isPlace(mailbox)) {
                String name = mailbox.role()
                        .flatMap(GmailLabel::of)
                        .orElseGet(() -> GmailLabel.of(entry.listed().name()))
                        .raw();
                mailboxes.put(name, mailbox.key());
            }
        }
        return new GmailLabels(true, Map.copyOf(mailboxes));
    }

    /** Whether messages lie there; else it is a label. */
    public boolean isRead(ObservedMailbox mailbox) {
        return !some || isPlace(mailbox);
    }

    /** Whether the labels of messages there say in which mailboxes they are. */
    public boolean areOn(ObservedMailbox place) {
        return some && has(place, MailboxRole.ALL);
    }

    /** The mailboxes that a message is in by lying at {@code place}; empty if the server did not tell its labels. */
    public Optional<Set<MailboxKey>> mailboxes(ObservedMailbox place, FetchedMessage message) {
        if (!areOn(place)) {
            return Optional.of(Set.of(place.key()));
        }
        return message.gmail().flatMap(FetchedMessage.Gmail::labels).map(labels -> {
            Set<MailboxKey> in = new LinkedHashSet<>();
            in.add(place.key());
            for (String label : labels) {
                mailbox(new GmailLabel(label)).ifPresentOrElse(in::add, () -> unlisted.add(label));
            }
            return in;
        });
    }

    private Optional<MailboxKey> mailbox(GmailLabel label) {
        String name = label.role().flatMap(GmailLabel::of).orElse(label).raw();
        return Optional.ofNullable(mailboxes.get(name));
    }

    /** GmailLabels that were met on messages and have no mailbox: hidden from IMAP, or made since the mailboxes were listed. */
    public Set<String> unlisted() {
        return Set.copyOf(unlisted);
    }

    /** The mailbox to watch if only one can be: where there are labels all that comes, however filtered, comes into All Mail. */
    public static MailboxName mostTelling(Capabilities offered, Collection<ImapMailbox> mailboxes) {
        return mailboxes.stream()
                .map(mailbox -> mailbox.observed)
                .filter(mailbox -> offered.has(EXTENSION) && mailbox.selectable() && has(mailbox, MailboxRole.ALL))
                .flatMap(mailbox -> mailbox.rawName().stream())
                .findFirst()
                .map(MailboxName::new)
                .orElse(MailboxName.INBOX);
    }

    private static boolean isPlace(ObservedMailbox mailbox) {
        return has(mailbox, MailboxRole.ALL) || has(mailbox, MailboxRole.JUNK) || has(mailbox, MailboxRole.TRASH);
    }

    private static boolean has(ObservedMailbox mailbox, MailboxRole role) {
        return mailbox.role().filter(role::equals).isPresent();
    }
}
