package org.postbus.mail.imap.grammar;

import java.util.Locale;
import java.util.Optional;
import org.postbus.model.MailboxRole;

/**
 * A label of Gmail, which is a mailbox to other clients. System labels are written with a backslash and in English whatever the
 * mailbox is called ({@code \Inbox}), others as the mailbox's raw name. Only {@link #of(MailboxRole)} and {@link #of(MailboxName)}
 * make one that is sent.
 *
 * @param raw as X-GM-LABELS has it, one character per octet
 */
public record GmailLabel(String raw) implements Comparable<GmailLabel> {

    /** The label of a mailbox that Gmail itself made; empty for the roles that are places and no labels, and unknown ones. */
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

    /** The label of a mailbox that a person made. */
    public static GmailLabel of(MailboxName mailbox) {
        return new GmailLabel(mailbox.raw());
    }

    public boolean isSystem() {
        return raw.startsWith("\\");
    }

    /** Of a system label: what its mailbox is for. */
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
