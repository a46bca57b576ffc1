package org.postbus.mail.imap.grammar;

import java.util.Locale;
import java.util.Optional;
import org.postbus.model.MailboxRole;

/**
 * A label of Gmail, which other clients see as a mailbox. System labels begin with a backslash and are always English
 * ({@code \Inbox}); other labels are the raw name of the mailbox. Labels that are sent are made by {@link
 * #of(MailboxRole)} and {@link #of(MailboxName)} only.
 *
 * @param raw as in X-GM-LABELS, one character per octet
 */
public record GmailLabel(String raw) implements Comparable<GmailLabel> {

    /**
     * The label of a mailbox that Gmail provides; empty for roles that are no labels (All Mail, Spam, Trash) and for
     * unknown ones.
     */
    public static Optional<GmailLabel> of(MailboxRole role) {
        return switch (role) {
            case INBOX -> Optional.of(new GmailLabel("\\Inbox"));
            case SENT -> Optional.of(new GmailLabel("\\Sent"));
            case DRAFTS -> Optional.of(new GmailLabel("\\Draft"));
            case FLAGGED -> Optional.of(new GmailLabel("\\Starred"));
            case IMPORTANT -> Optional.of(new GmailLabel("\\Important"));
            case ALL, ARCHIVE, JUNK, SUBSCRIBED, TRASH -> Optional.empty();
        };
    }

    /** The label of a mailbox that a user has created. */
    public static GmailLabel of(MailboxName mailbox) {
        return new GmailLabel(mailbox.raw());
    }

    public boolean isSystem() {
        return raw.startsWith("\\");
    }

    /** The role of the mailbox of a system label. */
    public Optional<MailboxRole> role() {
        return switch (raw.toLowerCase(Locale.ROOT)) {
            case "\\inbox" -> Optional.of(MailboxRole.INBOX);
            case "\\sent" -> Optional.of(MailboxRole.SENT);
            case "\\draft", "\\drafts" -> Optional.of(MailboxRole.DRAFTS);
            case "\\starred" -> Optional.of(MailboxRole.FLAGGED);
            case "\\important" -> Optional.of(MailboxRole.IMPORTANT);
            default -> Optional.empty();
        };
    }

    @Override
    public int compareTo(GmailLabel other) {
        return raw.compareTo(other.raw);
    }
}
